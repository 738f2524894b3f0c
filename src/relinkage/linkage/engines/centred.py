"""Unit vectors less their centre, rounded for a fast product, and how much the rounding took."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.vectors import Vectors

_BLOCK = 4096


@dataclass(frozen=True)
class Centred:
    """Unit vectors less a centre, in single precision, with the numbers that bound their products' error.

    Attributes:
        values: float32, shape (n, d): round(v̂ − centre).
        norm: float64, shape (n,): ‖v̂ − centre‖, rounded up.
        residue: float64, shape (n,): ‖(v̂ − centre) − values‖, rounded up.
        shift: float64, shape (n,): v̂ · (the other side's centre).
    """

    values: NDArray[np.float32]
    norm: NDArray[np.float64]
    residue: NDArray[np.float64]
    shift: NDArray[np.float64]


def centre(vectors: Vectors, centre_at: NDArray[np.float64], other_centre: NDArray[np.float64]) -> Centred:
    """Centre the unit vectors at `centre_at`; their shift is taken along `other_centre`."""
    n = len(vectors)
    values = np.empty(vectors.given.shape, np.float32)
    norm, residue, shift = np.empty(n), np.empty(n), np.empty(n)
    # A float64 norm of d terms is right to d·2⁻⁵³ relative; one part in 10⁹ covers that and the root.
    up = 1 + 1e-9
    for start in range(0, n, _BLOCK):
        block = slice(start, start + _BLOCK)
        unit = vectors.given[block].astype(np.float64) * vectors.inverse_norm[block, None]
        shift[block] = unit @ other_centre
        unit -= centre_at
        values[block] = unit
        norm[block] = np.sqrt(np.einsum("ij,ij->i", unit, unit)) * up
        unit -= values[block]
        residue[block] = np.sqrt(np.einsum("ij,ij->i", unit, unit)) * up
    return Centred(values, norm, residue, shift)
