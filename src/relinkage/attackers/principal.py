"""Principal components: the directions in which one side's vectors vary, and by how much."""

from dataclasses import dataclass

import numpy as np

from relinkage.attackers.protocol import Floats, Vectors

_NOTHING = 1e-10
"""A direction with less than this share of the largest variance is rounding."""


@dataclass(frozen=True)
class Principal:
    """One side's principal components, the largest variance first.

    Attributes:
        mean: float64, shape (d,).
        directions: float64, shape (d, r), orthonormal columns; r is the rank of the centred vectors.
        variance: float64, shape (r,): mean square along each.
    """

    mean: Floats
    directions: Floats
    variance: Floats

    @classmethod
    def of(cls, vectors: Vectors) -> "Principal":
        """Find the components of vectors, shape (n, d); at least one remains, be it of no variance."""
        given = vectors.astype(np.float64)
        mean = given.mean(axis=0)
        given -= mean
        if len(given) >= given.shape[1]:
            variance, directions = np.linalg.eigh(given.T @ given / len(given))
            variance, directions = variance[::-1], directions[:, ::-1]
        else:
            _, deviations, rows = np.linalg.svd(given, full_matrices=False)
            variance, directions = deviations**2 / len(given), rows.T
        rank = max(int((variance > _NOTHING * variance[0]).sum()), 1)
        return cls(mean, np.ascontiguousarray(directions[:, :rank]), np.maximum(variance[:rank], 0.0))

    @property
    def mean_variance(self) -> float:
        """The mean variance of a dimension, those without variance among them."""
        return float(self.variance.sum() / len(self.mean))

    def coordinates(self, vectors: Vectors, components: int | None = None) -> Floats:
        """Give the first coordinates of vectors: float64, shape (n, components), all r where not given."""
        return (vectors - self.mean) @ self.directions[:, :components]
