"""The shape of the shared space in three numbers: modality gap, alignment, uniformity. No labels needed."""

import numpy as np
from numpy.typing import NDArray

from relinkage.usefulness.result import Geometry

Floats = NDArray[np.float64]

_BLOCK = 1024


def geometry(images: Floats, reports: Floats, mate: NDArray[np.int64], largest: int, seed: int) -> Geometry:
    """Measure the shape of the shared space.

    Args:
        images: float64 unit vectors, shape (images, d).
        reports: float64 unit vectors, shape (studies, d).
        mate: int64, shape (images,): the report of each image.
        largest: vectors a side that uniformity is measured on, at most; drawn where there are more.
        seed: of that draw.
    """
    apart = images - reports[mate]
    return Geometry(
        modality_gap=float(np.linalg.norm(images.mean(axis=0) - reports.mean(axis=0))),
        alignment=float(np.einsum("ij,ij->i", apart, apart).mean()),
        image_uniformity=uniformity(_some(images, largest, seed)),
        report_uniformity=uniformity(_some(reports, largest, seed)),
    )


def uniformity(vectors: Floats) -> float:
    """Give log E[exp(−2 ‖u − v‖²)] over all pairs of different rows (Wang & Isola 2020, equation 2).

    Args:
        vectors: float64 unit vectors, shape (n, d), n at least 2.
    """
    n, total = len(vectors), 0.0
    for start in range(0, n, _BLOCK):
        cosines = vectors[start : start + _BLOCK] @ vectors.T
        total += float(np.exp(4 * (cosines - 1)).sum())  # ‖u − v‖² = 2 − 2 u·v
    return float(np.log((total - n) / (n * (n - 1))))


def _some(vectors: Floats, largest: int, seed: int) -> Floats:
    if len(vectors) <= largest:
        return vectors
    return vectors[np.sort(np.random.default_rng(seed).choice(len(vectors), largest, replace=False))]
