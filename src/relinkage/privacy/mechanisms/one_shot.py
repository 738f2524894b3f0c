"""Second moments of images and reports, noised once; canonical correlation makes heads of them."""

import numpy as np
import torch
from numpy.typing import NDArray

from relinkage.encoders.heads import HeadPair, HeadSpec
from relinkage.privacy.noise import Coins
from relinkage.privacy.units import Units

_ROWS = 4096


def second_moments(
    images: NDArray[np.float32], texts: NDArray[np.float32], report: NDArray[np.int64], units: Units
) -> NDArray[np.float64]:
    """Sum over units the mean of v·vᵀ over the unit's pairs, v = (x/‖x‖, y/‖y‖)/√2.

    Args:
        images: float32, shape (n, image features).
        texts: float32, shape (distinct reports, text features).
        report: int64, shape (n,): each pair's report.
        units: which rows stand or fall together.

    Returns:
        float64, shape (features, features) for both sides' features together; adding or removing one unit
        moves it by 1 at most in Frobenius norm.
    """
    width = images.shape[1] + texts.shape[1]
    total = np.zeros((width, width))
    weight = np.repeat(1 / np.diff(units.start), np.diff(units.start))
    for start in range(0, len(units.rows), _ROWS):
        rows = units.rows[start : start + _ROWS]
        both = np.hstack([_unit(images[rows]), _unit(texts[report[rows]])]) / np.sqrt(2)
        total += (both * weight[start : start + _ROWS, None]).T @ both
    return total


def noisy(moments: NDArray[np.float64], sigma: float, random: Coins) -> NDArray[np.float64]:
    """Add noise of deviation σ to every moment, and make the matrix symmetric again.

    Args:
        moments: float64, shape (features, features).
        sigma: σ; the sensitivity is 1.
        random: where the noise comes from.
    """
    noise = random.normal(moments.size).reshape(moments.shape) * sigma
    return moments + (noise + noise.T) / 2


def correlated_heads(
    moments: NDArray[np.float64], image_features: int, dimension: int, sigma: float
) -> HeadPair:
    """Make linear heads of noisy second moments by regularised canonical correlation (Hotelling 1936).

    The noise of a symmetric matrix of width D has eigenvalues up to about σ·√(2D) (Wigner's semicircle);
    moments below that are not told from noise, so it is what they are regularised with.

    Args:
        moments: float64, symmetric, shape (features, features).
        image_features: how many of the features are the image's.
        dimension: width of the shared space.
        sigma: σ of the noise.
    """
    floor = max(sigma * np.sqrt(2 * len(moments)), 1e-9 * np.trace(moments), 1e-12)
    image, text = slice(None, image_features), slice(image_features, None)
    left, right = _inverse_root(moments[image, image], floor), _inverse_root(moments[text, text], floor)
    u, strength, v = np.linalg.svd(left @ moments[image, text] @ right, full_matrices=False)
    width = min(dimension, len(strength))
    root = np.sqrt(strength[:width])
    heads = HeadPair(
        HeadSpec("linear", image_features, width), HeadSpec("linear", len(moments) - image_features, width)
    )
    weights = (root * (left @ u[:, :width])).T, (root * (right @ v[:width].T)).T
    for head, weight in zip((heads.image, heads.text), weights, strict=True):
        scaled = weight / max(np.linalg.norm(weight), 1e-300) * np.sqrt(width)
        head.load_state_dict({"weight": torch.from_numpy(scaled.astype(np.float32))})
    return heads.eval()


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = rows.astype(np.float64)
    return wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-300)


def _inverse_root(moments: NDArray[np.float64], floor: float) -> NDArray[np.float64]:
    strength, directions = np.linalg.eigh(moments)
    return (directions / np.sqrt(np.maximum(strength, 0) + floor)) @ directions.T
