"""What an encoder gives, checked, and in the form in which a shard keeps it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from relinkage.embeddings.grid import GRID
from relinkage.embeddings.left_out import HopelessError
from relinkage.encoders import Encoder, EncoderCard

_GRIDS_AT_A_TIME = 64

Project = Callable[[torch.Tensor], torch.Tensor]


def no_images(card: EncoderCard) -> NDArray[Any]:
    """Give image features of no images: float32 (0, features), or float16 (0, positions, features)."""
    if card.image_positions is None:
        return np.empty((0, card.image_features), np.float32)
    return np.empty((0, card.image_positions, card.image_features), np.float16)


def checked_images(features: NDArray[np.float32], rows: int, encoder: Encoder) -> NDArray[Any]:
    """Check image features; a grid becomes float16, which may overflow.

    Raises:
        HopelessError: they hold NaN or infinity.
    """
    empty = no_images(encoder.card)
    if features.shape != (rows, *empty.shape[1:]):
        raise ValueError(
            f"{encoder.card.id} gave features of shape {features.shape}, not {(rows, *empty.shape[1:])}"
        )
    with np.errstate(over="ignore"):
        stored = features.astype(empty.dtype, copy=False)
    _check_finite(stored, encoder)
    return stored


def checked(features: NDArray[np.float32], rows: int, width: int, encoder: Encoder) -> NDArray[np.float32]:
    """Check features of shape (rows, width).

    Raises:
        HopelessError: they hold NaN or infinity.
    """
    if features.shape != (rows, width):
        raise ValueError(f"{encoder.card.id} gave features of shape {features.shape}, not {(rows, width)}")
    _check_finite(features, encoder)
    return features.astype(np.float32, copy=False)


@torch.inference_mode()
def with_embeddings(features: NDArray[np.float32], project: Project | None) -> dict[str, NDArray[Any]]:
    """Give the arrays of a shard: features, and embeddings where there are heads.

    Raises:
        HopelessError: the heads make NaN or infinity of the features.
    """
    if project is None:
        return {"features": features}
    return {"features": features, "embeddings": _finite(project(torch.from_numpy(features)).numpy())}


@torch.inference_mode()
def image_arrays(features: NDArray[Any], project: Project | None) -> dict[str, NDArray[Any]]:
    """Give the arrays of an image shard: of a grid, the grid and its mean over positions beside each other.

    Embeddings are those of the grid as it is kept, in float16.

    Raises:
        HopelessError: the heads make NaN or infinity of the features.
    """
    if features.ndim == 2:
        return with_embeddings(features, project)
    arrays: dict[str, NDArray[Any]] = {GRID: features, "features": features.mean(1, dtype=np.float32)}
    if project is not None:
        starts = range(0, max(len(features), 1), _GRIDS_AT_A_TIME)
        parts = (features[start : start + _GRIDS_AT_A_TIME] for start in starts)
        embeddings = torch.cat([project(torch.from_numpy(part).float()) for part in parts]).numpy()
        arrays["embeddings"] = _finite(embeddings)
    return arrays


def _check_finite(features: NDArray[Any], encoder: Encoder) -> None:
    if not np.isfinite(features).all():
        raise HopelessError(
            f"The encoder {encoder.card.id} gives NaN or infinity as features; check its weights and its "
            "preprocessing."
        )


def _finite(embeddings: NDArray[Any]) -> NDArray[Any]:
    if not np.isfinite(embeddings).all():
        raise HopelessError(
            "The model's own heads give NaN or infinity as embeddings; check the weights of its projections."
        )
    return embeddings
