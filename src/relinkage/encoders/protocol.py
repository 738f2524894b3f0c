"""What every frozen encoder offers, so that the embedding pass knows none of them by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image

from relinkage.encoders.heads import HeadPair


@dataclass(frozen=True)
class EncoderCard:
    """What a reader of an audit must know about the encoder that made the embeddings.

    Attributes:
        id: the name it was asked for by (`phantom:report`, `clip:openai/clip-vit-base-patch32`, …).
        revision: the pinned revision, or a digest of the weights that were loaded.
        licence: licence of the weights.
        preprocessing: one line saying how pixels are made from an image file.
        image_features: width of the image features.
        text_features: width of the text features.
        embedding: width of the shared space, None where the encoder has no heads of its own.
        token_limit: tokens after which text is cut off, None where there is no limit.
        seen: what is known of the data the encoder was trained on, so that a report can warn when the
            cohort may be among it.
        pooling: one line saying how one feature vector is taken from each tower.
        device: the kind of processor the encoder runs on; the last bits of features depend on it.
        image_positions: positions of the grid that the image tower gives, None where its features are pooled.
    """

    id: str
    revision: str
    licence: str
    preprocessing: str
    image_features: int
    text_features: int
    embedding: int | None
    token_limit: int | None
    seen: str = "not stated"
    pooling: str = "the model's own"
    device: str = "cpu"
    image_positions: int | None = None


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
