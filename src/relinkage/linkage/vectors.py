"""Embeddings made ready for exact comparison: checked, normalised, their duplicates found.

Vectors may lie on disk. Then whole passes go over them block by block, and only what there is one number a
vector of stays in memory.
"""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relinkage.compiled import compiled
from relinkage.embeddings.given import not_finite
from relinkage.embeddings.stored import Matrix, choose, is_stored
from relinkage.errors import InputError
from relinkage.linkage.scores_and_ties import paired_cosines
from relinkage.linkage.strips import in_strips
from relinkage.progress import progress
from relinkage.threads import available

_BLOCK = 4096
_FNV = np.uint64(14695981039346656037)
_PAIR_FLOATS = 2**23
"""Numbers that are gathered from disk at a time to compare single pairs."""


@dataclass(frozen=True)
class Vectors:
    """One side of a linkage: vectors as given, and what their comparison needs.

    Attributes:
        source: the vectors, shape (n, d). In memory they are float32 or float64 and C-contiguous; on disk
            whatever `Matrix` may be.
        inverse_norm: float64, shape (n,): 1 / ‖vector‖.
        identity: int64, shape (n,): equal for vectors whose directions are bit-equal in float64; such
            vectors score alike against everything.
        mean: float64, shape (d,): the mean of the unit vectors.
    """

    source: Matrix
    inverse_norm: NDArray[np.float64]
    identity: NDArray[np.int64]
    mean: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.source)

    @property
    def dimension(self) -> int:
        """The width d of the vectors."""
        return int(self.source.shape[1])

    @property
    def stored(self) -> bool:
        """Whether the vectors lie on disk."""
        return is_stored(self.source)

    @property
    def given(self) -> NDArray[np.float32] | NDArray[np.float64]:
        """The vectors as given, float32 or float64, C-contiguous (float16 widened); read if on disk."""
        return _widened(self.source[:]) if self.stored else np.asarray(self.source)

    @classmethod
    def prepare(cls, array: Matrix, name: str) -> "Vectors":
        """Check vectors and work out their norms, duplicates and mean, in one pass over them.

        Args:
            array: float16, float32 or float64, shape (n, d). What lies on disk stays there.
            name: how messages name the array, usually its file.

        Raises:
            InputError: the array is not two-dimensional, is empty, holds integers, NaN or infinity, or a
                vector of length zero, whose cosine does not exist.
        """
        if len(array.shape) != 2 or 0 in array.shape:
            raise InputError(f"{name} has shape {array.shape}; give a row per vector: (vectors, dimensions).")
        if array.dtype.kind != "f" or array.dtype.itemsize > 8:
            raise InputError(f"{name} holds {array.dtype}; give float16, float32 or float64.")
        source = array if is_stored(array) else _widened(np.asarray(array))
        inverse_norm, hashes, mean = _pass(source, name)
        vectors = cls(source, inverse_norm, np.arange(len(array)), mean)
        _label_twins(vectors, hashes)
        return vectors

    def __getitem__(self, rows: slice) -> "Vectors":
        return self._choose(rows)

    def take(self, rows: NDArray[np.int64]) -> "Vectors":
        """Give the vectors of some rows; the mean stays that of the whole."""
        return self._choose(rows)

    def unit(self) -> NDArray[np.float64]:
        """Give the vectors at length 1: float64, shape (n, d)."""
        return np.multiply(self.given, self.inverse_norm[:, None], dtype=np.float64)

    def read(self) -> "Vectors":
        """Give the same vectors in memory."""
        return replace(self, source=self.given) if self.stored else self

    def _choose(self, rows: slice | NDArray[np.int64]) -> "Vectors":
        return Vectors(choose(self.source, rows), self.inverse_norm[rows], self.identity[rows], self.mean)


def score_pairs(
    queries: Vectors, rows: NDArray[np.int64], candidates: Vectors, columns: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Score single pairs as `scores` defines it.

    Args:
        queries: n vectors.
        rows: int64, shape (pairs,): the query of each pair.
        candidates: m vectors of the same width.
        columns: int64, shape (pairs,): the candidate of each pair.

    Returns:
        float64, shape (pairs,).
    """
    out = np.empty(len(rows))
    step = max(_PAIR_FLOATS // queries.dimension, 1) if queries.stored or candidates.stored else len(rows)
    for start in range(0, len(rows), max(step, 1)):
        some = slice(start, start + step)
        out[some] = paired_cosines(*_at(queries, rows[some]), *_at(candidates, columns[some]))
    return out


def _at(vectors: Vectors, rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Give an array, its inverse norms, and where in it the rows are: of vectors on disk only these."""
    if not vectors.stored:
        return vectors.given, vectors.inverse_norm, rows
    taken = vectors.take(rows)
    return taken.given, taken.inverse_norm, np.arange(len(rows))


def _widened(array: NDArray[Any]) -> NDArray[Any]:
    wide: NDArray[Any] = np.ascontiguousarray(
        array, dtype=np.float64 if array.dtype.itemsize == 8 else np.float32
    )
    return _with_safe_exponents(wide) if wide.dtype == np.float64 else wide


def _with_safe_exponents(given: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale rows of extreme magnitude by a power of two, which is exact, so that squares stay in range."""
    largest = np.abs(given).max(axis=1)
    extreme = (largest > 0) & ((largest < 1e-100) | (largest > 1e100)) & np.isfinite(largest)
    if not extreme.any():
        return given
    given = given.copy()
    exponents = np.frexp(largest[extreme])[1]
    given[extreme] = np.ldexp(given[extreme], -exponents[:, None])
    return given


def _pass(source: Matrix, name: str) -> tuple[NDArray[np.float64], NDArray[np.uint64], NDArray[np.float64]]:
    """Give inverse norms, hashes of the unit vectors and their mean."""
    n, d = source.shape
    inverse, hashes, totals = np.empty(n), np.empty(n, np.uint64), np.zeros((-(-n // _BLOCK), d))
    stored = is_stored(source)
    with progress(n, "reading", "vectors") if stored else nullcontext() as bar:

        def take(start: int, stop: int) -> None:
            given = _widened(source[start:stop]) if stored else source[start:stop]
            _measure(given, inverse[start:stop], hashes[start:stop], totals[start // _BLOCK])
            if bar is not None:
                bar.update(stop - start)

        in_strips(n, _BLOCK, lambda: take, 1 if stored or len(totals) == 1 else available())
    odd, empty = np.flatnonzero(np.isnan(inverse)), np.flatnonzero(np.isinf(inverse))
    if len(odd):
        raise not_finite(name, len(odd), n, odd[0])
    if len(empty):
        raise InputError(
            f"{name} holds {len(empty)} vectors of length zero, the first is row {empty[0]} (counting "
            "from 0); a zero vector has no cosine, remove it."
        )
    return inverse, hashes, totals.sum(axis=0) / n


@compiled
def _measure(given, inverse_norm, hashes, total):
    """Give inverse norms, NaN where a term is not finite and infinity for zero; hash and add up unit vectors.

    The hash is FNV-1a over the bits of every fourth term, a 64-bit word at a time, and then over the four.
    """
    unit = np.zeros((given.shape[1] + 3) // 4 * 4)
    bits = unit.view(np.uint64)
    for i in range(len(given)):
        square = _square(given, i)
        inverse_norm[i] = (1 / np.sqrt(square) if square > 0 else np.inf) if np.isfinite(square) else np.nan
        for k in range(given.shape[1]):
            unit[k] = np.float64(given[i, k]) * inverse_norm[i] + 0.0  # so that -0 and 0 have the same bits
        for k in range(given.shape[1]):
            total[k] += unit[k]
        one = two = three = four = _FNV
        for k in range(0, len(unit), 4):
            one = _hashed(one, bits[k])
            two = _hashed(two, bits[k + 1])
            three = _hashed(three, bits[k + 2])
            four = _hashed(four, bits[k + 3])
        hashes[i] = _hashed(_hashed(_hashed(_hashed(_FNV, one), two), three), four)


@compiled(inline="always")
def _hashed(state, word):
    state = (state ^ word) * np.uint64(1099511628211)
    return state ^ (state >> np.uint64(29))


@compiled(fastmath={"reassoc", "contract"})
def _square(given, i):
    """Sum the squares of a vector's terms; the order of summation is the compiler's."""
    total = 0.0
    for k in range(given.shape[1]):
        total += np.float64(given[i, k]) * np.float64(given[i, k])
    return total


def _label_twins(vectors: Vectors, hashes: NDArray[np.uint64]) -> None:
    """Give equal labels to equal unit vectors; a collision of hashes splits a class, at a cost in time."""
    order = np.argsort(hashes, kind="stable")
    ranked = hashes[order]
    near = np.flatnonzero(ranked[1:] == ranked[:-1]) + 1
    step = max(_PAIR_FLOATS // vectors.dimension, 1) if vectors.stored else max(len(near), 1)
    parts = [near[start : start + step] for start in range(0, len(near), step)]
    same = [_are_equal(*_at(vectors, order[part]), *_at(vectors, order[part - 1])) for part in parts]
    twins = near[np.concatenate(same)] if same else near
    if not len(twins):
        return
    first = np.arange(len(order))
    first[twins] = 0
    np.maximum.accumulate(first, out=first)  # where the run of equals began
    vectors.identity[order] = order[first]


@compiled
def _are_equal(a, a_inverse, rows, b, b_inverse, columns):
    """Say for each pair whether its unit vectors are equal in float64."""
    out = np.ones(len(rows), np.bool_)
    for n in range(len(rows)):
        i, j = rows[n], columns[n]
        for k in range(a.shape[1]):
            if np.float64(a[i, k]) * a_inverse[i] != np.float64(b[j, k]) * b_inverse[j]:
                out[n] = False
                break
    return out
