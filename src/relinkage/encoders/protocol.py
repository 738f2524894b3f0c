"""What every frozen encoder offers, so that the embedding pass knows none of them by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image

from relinkage.encoders.card import EncoderCard
from relinkage.encoders.heads import HeadPair


@dataclass(frozen=True)
class TextFeatures:
    """Features of a batch of reports.

    Attributes:
        features: float32, shape (texts, text_features).
        truncated: bool, shape (texts,): the text was longer than the token limit.
    """

    features: NDArray[np.float32]
    truncated: NDArray[np.bool_]


class Encoder(Protocol):
    """A frozen image tower and a frozen text tower, up to their features, and heads where it has some."""

    @property
    def card(self) -> EncoderCard:
        """What the encoder is."""
        ...

    @property
    def heads(self) -> HeadPair | None:
        """The encoder's own heads into the shared space, on the CPU; None for towers without one."""
        ...

    def fit(self, texts: Sequence[str]) -> None:
        """Fit what is fitted on the training split's reports (TF-IDF); frozen encoders do nothing."""
        ...

    def preprocess(self, image: Image) -> torch.Tensor:
        """Turn one opened image into the tensor that `encode_images` stacks; safe to call from threads."""
        ...

    def encode_images(self, pixels: torch.Tensor) -> NDArray[np.float32]:
        """Encode a stack of preprocessed images: float32, shape (images, image_features).

        Where the card states positions: a grid, shape (images, positions, image_features).
        """
        ...

    def encode_texts(self, texts: Sequence[str]) -> TextFeatures:
        """Encode reports in the order given."""
        ...
