"""Embeddings made ready for exact comparison: checked, normalised, centred, their rounding accounted for."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from relinkage.errors import InputError

_BLOCK = 4096


@dataclass(frozen=True)
class Vectors:
    """One side of a linkage: vectors as given, and what their comparison needs.

    Attributes:
        given: float32 or float64, shape (n, d), C-contiguous: the vectors as given (float16 widened).
        inverse_norm: float64, shape (n,): 1 / ‖vector‖.
        identity: int64, shape (n,): equal for vectors whose directions are bit-equal in float64; such
            vectors score alike against everything.
        mean: float64, shape (d,): the mean of the unit vectors.
    """

    given: NDArray[np.float32] | NDArray[np.float64]
    inverse_norm: NDArray[np.float64]
    identity: NDArray[np.int64]
    mean: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.given)

    @property
    def dimension(self) -> int:
        """The width d of the vectors."""
        return int(self.given.shape[1])

    @classmethod
    def prepare(cls, array: NDArray[Any], name: str) -> "Vectors":
        """Check an array of vectors and work out its norms, duplicates and mean.

        Args:
            array: float16, float32 or float64, shape (n, d).
            name: how messages name the array, usually its file.

        Raises:
            InputError: the array is not two-dimensional, is empty, holds integers, NaN or infinity, or a
                vector of length zero, whose cosine does not exist.
        """
        if array.ndim != 2 or 0 in array.shape:
            raise InputError(f"{name} has shape {array.shape}; give a row per vector: (vectors, dimensions).")
        if array.dtype.kind != "f" or array.dtype.itemsize > 8:
            raise InputError(f"{name} holds {array.dtype}; give float16, float32 or float64.")
        given: NDArray[Any] = np.ascontiguousarray(
            array, dtype=np.float64 if array.dtype.itemsize == 8 else np.float32
        )
        _check_finite(given, name)
        if given.dtype == np.float64:
            given = _with_safe_exponents(given)
        inverse_norm, mean = _norms_and_mean(given, name)
        return cls(given, inverse_norm, _identities(given, inverse_norm), mean)

    def __getitem__(self, rows: slice) -> "Vectors":
        return Vectors(self.given[rows], self.inverse_norm[rows], self.identity[rows], self.mean)

    def take(self, rows: NDArray[np.int64]) -> "Vectors":
        """Give the vectors of some rows; the mean stays that of the whole."""
        return Vectors(self.given[rows], self.inverse_norm[rows], self.identity[rows], self.mean)


def _check_finite(given: NDArray[Any], name: str) -> None:
    bad, first = 0, -1
    for start in range(0, len(given), _BLOCK):
        rows = np.flatnonzero(~np.isfinite(given[start : start + _BLOCK]).all(axis=1))
        if len(rows) and first < 0:
            first = start + int(rows[0])
        bad += len(rows)
    if bad:
        raise InputError(
            f"{name} holds NaN or infinity in {bad} of {len(given)} rows, the first is row {first} "
            "(counting from 0); remove them."
        )


def _with_safe_exponents(given: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale rows of extreme magnitude by a power of two, which is exact, so that squares stay in range."""
    largest = np.abs(given).max(axis=1)
    extreme = (largest > 0) & ((largest < 1e-100) | (largest > 1e100))
    if not extreme.any():
        return given
    given = given.copy()
    exponents = np.frexp(largest[extreme])[1]
    given[extreme] = np.ldexp(given[extreme], -exponents[:, None])
    return given


def _norms_and_mean(given: NDArray[Any], name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    inverse, total = np.empty(len(given)), np.zeros(given.shape[1])
    zeros, first = 0, -1
    for start in range(0, len(given), _BLOCK):
        block = given[start : start + _BLOCK].astype(np.float64)
        norm = np.sqrt(np.einsum("ij,ij->i", block, block))
        empty = np.flatnonzero(norm == 0)
        if len(empty):
            first = start + int(empty[0]) if first < 0 else first
            zeros += len(empty)
            norm[empty] = 1
        inverse[start : start + _BLOCK] = 1 / norm
        total += (1 / norm) @ block
    if zeros:
        raise InputError(
            f"{name} holds {zeros} vectors of length zero, the first is row {first} (counting from 0); "
            "a zero vector has no cosine, remove it."
        )
    return inverse, total / len(given)


def _identities(given: NDArray[Any], inverse_norm: NDArray[np.float64]) -> NDArray[np.int64]:
    hashes = _hashes(given, inverse_norm)
    return _label_runs(given, inverse_norm, hashes, np.argsort(hashes, kind="stable"))


@njit(nogil=True, cache=True)
def _hashes(given, inverse_norm):
    """FNV-1a over the bits of each unit vector, a 64-bit word at a time."""
    n, d = given.shape
    out = np.empty(n, np.uint64)
    word = np.empty(1, np.float64)
    bits = word.view(np.uint64)
    for i in range(n):
        state = np.uint64(14695981039346656037)
        for k in range(d):
            word[0] = np.float64(given[i, k]) * inverse_norm[i] + 0.0  # so that -0 and 0 have the same bits
            state = (state ^ bits[0]) * np.uint64(1099511628211)
            state ^= state >> np.uint64(29)
        out[i] = state
    return out


@njit(nogil=True, cache=True)
def _label_runs(given, inverse_norm, hashes, order):
    """Give equal labels to equal unit vectors; a collision of hashes splits a class, at a cost in time."""
    n, d = given.shape
    label = np.empty(n, np.int64)
    for position in range(n):
        i = order[position]
        label[i] = i
        if position == 0 or hashes[order[position - 1]] != hashes[i]:
            continue
        j = order[position - 1]
        same = True
        for k in range(d):
            if np.float64(given[i, k]) * inverse_norm[i] != np.float64(given[j, k]) * inverse_norm[j]:
                same = False
                break
        if same:
            label[i] = label[j]
    return label
