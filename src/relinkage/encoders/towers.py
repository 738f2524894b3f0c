"""Towers: an image backbone and a text encoder side by side, which share no space until heads are trained."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image

from relinkage.encoders.card import EncoderCard, TextHandling
from relinkage.encoders.heads import HeadPair
from relinkage.encoders.protocol import TextFeatures


@dataclass(frozen=True)
class TowerCard:
    """What there is to know of one tower.

    Attributes:
        name: what the tower is called in the encoder's id.
        revision: the pinned revision, or a digest of what was loaded or fitted.
        licence: licence of the weights.
        features: width of the features.
        pooling: one line saying how one feature vector is taken from the tower.
        preprocessing: how pixels are made from an image file; empty for a text tower.
        token_limit: tokens after which text is cut off, None where there is no limit.
        text: what happens to a text before the tower.
    """

    name: str
    revision: str
    licence: str
    features: int
    pooling: str
    preprocessing: str = ""
    token_limit: int | None = None
    text: TextHandling = field(default_factory=TextHandling)


class ImageTower(Protocol):
    """A frozen image backbone."""

    @property
    def card(self) -> TowerCard:
        """What the tower is."""
        ...

    def preprocess(self, image: Image) -> torch.Tensor:
        """Turn one opened image into the tensor that `encode` stacks; safe to call from threads."""
        ...

    def encode(self, pixels: torch.Tensor) -> NDArray[np.float32]:
        """Encode a stack of preprocessed images: float32, shape (images, features)."""
        ...


class TextTower(Protocol):
    """A text encoder, frozen or fitted on the training split."""

    @property
    def card(self) -> TowerCard:
        """What the tower is; known once it is fitted."""
        ...

    def fit(self, texts: Sequence[str]) -> None:
        """Fit what is fitted on the training split's reports; a frozen tower does nothing."""
        ...

    def encode(self, texts: Sequence[str]) -> TextFeatures:
        """Encode reports in the order given."""
        ...


class Towers:
    """An image tower and a text tower as one `Encoder` without heads of its own."""

    def __init__(self, image: ImageTower, text: TextTower, device: torch.device) -> None:
        self._image, self._text, self._device = image, text, device

    @property
    def card(self) -> EncoderCard:
        """What the two towers are."""
        image, text = self._image.card, self._text.card
        return EncoderCard(
            id=f"towers:{image.name}+{text.name}",
            revision=f"{image.revision} + {text.revision}",
            licence=f"image: {image.licence}; text: {text.licence}",
            preprocessing=image.preprocessing,
            image_features=image.features,
            text_features=text.features,
            embedding=None,
            token_limit=text.token_limit,
            pooling=f"image: {image.pooling}; text: {text.pooling}",
            device=self._device.type,
            text=text.text,
        )

    @property
    def heads(self) -> HeadPair | None:
        """None: the towers share no space until heads are trained for them."""
        return None

    def fit(self, texts: Sequence[str]) -> None:
        """Fit the text tower where it is one that is fitted."""
        self._text.fit(texts)

    def preprocess(self, image: Image) -> torch.Tensor:
        """Preprocess one image as the image tower wants it."""
        return self._image.preprocess(image)

    def encode_images(self, pixels: torch.Tensor) -> NDArray[np.float32]:
        """Encode a stack of preprocessed images: float32, shape (images, image_features)."""
        return self._image.encode(pixels)

    def encode_texts(self, texts: Sequence[str]) -> TextFeatures:
        """Encode reports in the order given."""
        return self._text.encode(texts)
