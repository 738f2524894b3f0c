"""The truth in float64, worked out without any of the package's code.

There are two: the cosine of the vectors as given, which is what the audit says it counts by, and their dot
product. The vectors are normalised in float32, as models give them, so the two differ in the last digits, and
whoever takes one for the other has some ranks wrong before any rounding of sums.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

TIE = 2.0**-40
"""Scores that differ by at most this much tie."""
_ROWS, _COLUMNS = 256, 4096


@dataclass(frozen=True)
class Truth:
    """Reports that score above each image's own, and those that tie with it: int64, shape (q,)."""

    above: NDArray[np.int64]
    ties: NDArray[np.int64]

    def recall_at_1(self) -> float:
        """Give Recall@1, its mean over the orders of tied reports."""
        return float(np.where(self.above == 0, 1 / (self.ties + 1), 0).mean())


def by_dot_product(images: NDArray[np.float32], reports: NDArray[np.float32]) -> Truth:
    """Compare float64 dot products of arrays of shape (q, d); report i belongs to image i."""
    return _compare(torch.from_numpy(images).double(), torch.from_numpy(reports).double())


def by_cosine(images: NDArray[np.float32], reports: NDArray[np.float32]) -> Truth:
    """Compare float64 cosines; arrays as above."""
    a, b = torch.from_numpy(images).double(), torch.from_numpy(reports).double()
    return _compare(a / a.norm(dim=1, keepdim=True), b / b.norm(dim=1, keepdim=True))


def _compare(a: torch.Tensor, b: torch.Tensor) -> Truth:
    own = (a * b).sum(dim=1, keepdim=True)
    above, reached = (torch.zeros(len(a), dtype=torch.int64) for _ in range(2))
    for row in range(0, len(a), _ROWS):
        mine = own[row : row + _ROWS]
        for column in range(0, len(b), _COLUMNS):
            scores = a[row : row + _ROWS] @ b[column : column + _COLUMNS].T
            above[row : row + _ROWS] += (scores > mine + TIE).sum(dim=1)
            reached[row : row + _ROWS] += (scores >= mine - TIE).sum(dim=1)
    return Truth(above.numpy(), (reached - above - 1).numpy())
