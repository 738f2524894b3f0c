"""An encoder put together from its parts: an adapter of a published model states only what is its own."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image
from torch import Tensor

from relinkage.encoders.card import EncoderCard
from relinkage.encoders.heads import HeadPair
from relinkage.encoders.protocol import TextFeatures


class AssembledEncoder:
    """A frozen model's card, heads, preprocessing and two towers as one `Encoder`."""

    def __init__(
        self, card: EncoderCard, heads: HeadPair, pixels: Callable[[Image], Tensor],
        images: Callable[[Tensor], Tensor], texts: Callable[[Sequence[str]], TextFeatures],
    ) -> None:  # fmt: skip
        """Put the parts together.

        Args:
            card: what the model is.
            heads: its own heads, on the CPU.
            pixels: its preprocessing; safe to call from threads.
            images: from pixels (n, 3, height, width), float32, on the CPU, to features (n, width) or
                (n, positions, width), float32.
            texts: from reports to features (n, width), float32; what exceeds the token limit is cut off.
        """
        self._card, self._heads = card, heads
        self._pixels, self._images, self._texts = pixels, images, texts

    @property
    def card(self) -> EncoderCard:
        """What the model is."""
        return self._card

    @property
    def heads(self) -> HeadPair:
        """The model's own heads, on the CPU."""
        return self._heads

    def fit(self, texts: Sequence[str]) -> None:
        """Do nothing: the model is frozen."""

    def preprocess(self, image: Image) -> Tensor:
        """Make pixels as the model was published with: float32, shape (3, height, width)."""
        return self._pixels(image)

    @torch.inference_mode()
    def encode_images(self, pixels: Tensor) -> NDArray[np.float32]:
        """Encode preprocessed images: float32, (n, image_features) or (n, positions, image_features)."""
        return self._images(pixels).cpu().numpy()

    @torch.inference_mode()
    def encode_texts(self, texts: Sequence[str]) -> TextFeatures:
        """Encode reports: float32, shape (n, text_features); what exceeds the token limit is cut off."""
        return self._texts(texts)
