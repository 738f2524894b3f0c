"""Which cases are alike: label sets, what a query can find at best, and what chance finds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.compiled import compiled
from relinkage.usefulness.labels import Truth

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Sets = NDArray[np.uint64]


@dataclass(frozen=True)
class Cases:
    """One side of a retrieval: images, or reports.

    Attributes:
        row: int64, shape (n,): the image row each case stands in, a report at its study's first image.
        patient: int64, shape (n,): a number per patient.
        own: int64, shape (n,): equal for cases that must not find each other (one study, or one patient).
        sets: uint64, shape (n, words): the positive labels, a bit each.
    """

    row: Ints
    patient: Ints
    own: Ints
    sets: Sets

    def __len__(self) -> int:
        return len(self.row)

    def take(self, rows: Ints | slice) -> "Cases":
        """Give some of the cases."""
        return Cases(self.row[rows], self.patient[rows], self.own[rows], self.sets[rows])


@dataclass(frozen=True)
class Prospects:
    """What each query can find, and what it finds when candidates come in random order.

    Attributes:
        eligible: int64, shape (queries,): candidates but for its own.
        relevant: int64, shape (queries,): those with a positive label in common.
        same: int64, shape (queries,): those with the same positive labels.
        gain: float64, shape (queries,): the sum of Jaccard indices over the eligible.
        ideal: float64, shape (queries,): the discounted gain of the best K.
    """

    eligible: Ints
    relevant: Ints
    same: Ints
    gain: Floats
    ideal: Floats

    @property
    def asked(self) -> NDArray[np.bool_]:
        """Whether a query has anything to find: bool, shape (queries,)."""
        return self.relevant > 0

    def chance_precision(self) -> Floats:
        """Expected precision@K in random order: the share of relevant candidates, whatever K."""
        return self.relevant / self.eligible

    def chance_same(self) -> Floats:
        """The same for equal label sets."""
        return self.same / self.eligible

    def chance_ndcg(self, discounts: Floats) -> Floats:
        """Expected nDCG@K in random order: every place holds the mean gain."""
        with np.errstate(invalid="ignore"):
            return self.gain / self.eligible * discounts.sum() / self.ideal

    def chance_average_precision(self) -> Floats:
        """Expected average precision in random order, NaN where nothing is relevant.

        Place r is relevant with probability R/M, and then (r − 1)(R − 1)/(M − 1) of the r − 1 places before
        are; summed over r this is [H_M + (M − H_M)(R − 1)/(M − 1)] / M, with H_M the harmonic number.
        """
        M, R = self.eligible, self.relevant
        harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, int(M.max()) + 1))])[M]
        value = (harmonic + (M - harmonic) * (R - 1) / np.maximum(M - 1, 1)) / M
        return np.where(R > 0, value, np.nan)


def positive_sets(truth: Truth) -> Sets:
    """Pack the positive labels of each image into bits: uint64, shape (images, words)."""
    words = -(-truth.shape[1] // 64)
    bits = np.zeros((len(truth), 64 * words), np.uint64)
    bits[:, : truth.shape[1]] = truth == 1
    places = np.arange(64, dtype=np.uint64)
    return (bits.reshape(len(truth), words, 64) << places).sum(axis=2, dtype=np.uint64)


def discounts(k: int) -> Floats:
    """Give what a gain is worth at places 1 to K: 1 / log2(place + 1) (Järvelin & Kekäläinen 2002)."""
    return 1 / np.log2(np.arange(2, k + 2))


def prospects(queries: Cases, candidates: Cases, k: int) -> Prospects:
    """Work out what each query can find; candidates are counted by their distinct label sets.

    Args:
        queries: who asks.
        candidates: who is found.
        k: places looked at.
    """
    patterns, pattern = np.unique(candidates.sets, axis=0, return_inverse=True)
    pattern = pattern.ravel()
    order = np.argsort(candidates.own, kind="stable")
    first, last = (np.searchsorted(candidates.own[order], queries.own, side) for side in ("left", "right"))
    counts = np.bincount(pattern, minlength=len(patterns)).astype(np.int64)
    found = _count(queries.sets, patterns, counts, pattern[order], first, last, discounts(k))
    return Prospects(len(candidates) - (last - first), *found)


@compiled
def overlap(left: Sets, i: int, right: Sets, j: int) -> tuple[np.int64, np.int64]:
    """Count labels that two sets have in common, and labels that either has."""
    both = either = np.int64(0)
    for word in range(left.shape[1]):
        both += _ones(left[i, word] & right[j, word])
        either += _ones(left[i, word] | right[j, word])
    return both, either


@compiled
def _ones(bits: np.uint64) -> np.int64:
    """Count the bits that are set, two by two, four by four, and so on."""
    bits = bits - ((bits >> np.uint64(1)) & np.uint64(0x5555555555555555))
    bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> np.uint64(2)) & np.uint64(0x3333333333333333))
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((bits * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def _count(
    sets: Sets, patterns: Sets, counts: Ints, own_pattern: Ints, first: Ints, last: Ints, discount: Floats
) -> tuple[Ints, Ints, Floats, Floats]:
    n, k = len(sets), len(discount)
    relevant, same, gain, ideal = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n), np.zeros(n)
    left = counts.copy()
    best = np.empty(k)
    for i in range(n):
        for place in range(first[i], last[i]):
            left[own_pattern[place]] -= 1
        best[:] = 0.0
        for j in range(len(patterns)):
            both, either = overlap(sets, i, patterns, j)
            if both == 0 or left[j] == 0:
                continue
            worth = both / either
            relevant[i] += left[j]
            gain[i] += worth * left[j]
            if both == either:
                same[i] += left[j]
            for _ in range(min(left[j], k)):
                if worth <= best[k - 1]:
                    break
                place = k - 1
                while place > 0 and best[place - 1] < worth:
                    best[place] = best[place - 1]
                    place -= 1
                best[place] = worth
        for place in range(k):
            ideal[i] += best[place] * discount[place]
        for place in range(first[i], last[i]):
            left[own_pattern[place]] += 1
    return relevant, same, gain, ideal
