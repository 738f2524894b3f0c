"""The scores of some queries with all distractors: how high they reach, and how they spread.

The open set and the entropy of the match need more of a query than its three counts. They look at a sample
of queries where there are many, each with all of its distractors, in float64.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.strips import Strip, in_strips
from relinkage.linkage.ways import Way
from relinkage.threads import one_thread_each

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BLOCK = 128
_NUMBERS = 2**23
"""Numbers of candidates that are looked at together: 64 MB."""
NO_DISTRACTOR = -1e300
"""Stands for a candidate that is not a distractor: finite, so that 0 times it is 0."""
_MOST_SCORES = 50_000_000
"""Scores kept at most: 400 MB. Small pools need deep rows, and get fewer queries."""
_UNSEEN = 1e-7
"""Share of pools, at most, that may lie wholly below the scores that are kept."""


@dataclass(frozen=True)
class ScoreRows:
    """What distractors score with some queries.

    Attributes:
        query: int64, shape (n,): the queries, as rows of the linkage table.
        distractors: int64, shape (n,): eligible distractors of each.
        top: float64, shape (n, depth): their highest scores, descending; where a query has fewer
            distractors, the last ones are -1e300.
        entropy: float64, shape (n,): Shannon entropy of the softmaxed row, mate included, over that of an
            even one.
    """

    query: Ints
    distractors: Ints
    top: Floats
    entropy: Floats

    def take(self, rows: Ints | slice) -> "ScoreRows":
        """Keep some of the queries: their places, ascending; of a slice, nothing is copied."""
        if not isinstance(rows, slice) and len(rows) == len(self.query):
            return self
        return ScoreRows(self.query[rows], self.distractors[rows], self.top[rows], self.entropy[rows])


def depth_for(least_drawn: int, candidates: int) -> int:
    """Say how many of a row's scores matter where a pool draws at least so many distractors.

    A pool of n distractors out of P lies below the best r of them with probability C(P − r, n) / C(P, n),
    at most exp(−n r / P).
    """
    depth = int(np.ceil(-np.log(_UNSEEN) * candidates / max(least_drawn, 1)))
    return candidates if 2 * depth > candidates else depth


def most_queries(depth: int) -> int:
    """Say for how many queries rows of that depth may be kept."""
    return max(_MOST_SCORES // max(depth, 1), 2)


def score_rows(way: Way, query: Ints, depth: int, temperature: float) -> ScoreRows:
    """Score some queries with all candidates.

    Args:
        way: the direction.
        query: int64, shape (n,): rows of the linkage table, each once.
        depth: highest scores to keep of each, up to the number of candidates.
        temperature: of the softmax.
    """
    n, candidates = len(query), len(way.candidates)
    barred = _barred(way, query)
    distractors = candidates - np.bincount(barred[0], minlength=n)
    seen = _Seen(n, depth, way.table.mate_score[query], temperature)
    asking = way.queries.take(query).unit()
    step = max(_NUMBERS // way.candidates.dimension, _BLOCK)
    with one_thread_each() as threads:
        for first in range(0, candidates, step):
            columns = slice(first, min(first + step, candidates))
            inside = (columns.start <= barred[1]) & (barred[1] < columns.stop)
            closed = barred[0][inside], barred[1][inside] - columns.start
            asked = way.candidates[columns].unit()
            in_strips(n, _BLOCK, partial(_looking, seen, asking, asked, closed), threads)
    return ScoreRows(query, distractors, seen.top, seen.entropy(distractors))


def _looking(seen: "_Seen", asking: Floats, asked: Floats, closed: tuple[Ints, Ints]) -> Strip:
    """Give what scores a strip of queries with some candidates, but for those that are not distractors."""
    buffer = np.empty((_BLOCK, len(asked)))  # fresh memory for each is slow to come

    def look(start: int, stop: int) -> None:
        products = np.matmul(asking[start:stop], asked.T, out=buffer[: stop - start])
        first, last = np.searchsorted(closed[0], [start, stop])
        products[closed[0][first:last] - start, closed[1][first:last]] = NO_DISTRACTOR
        seen.see(start, products)

    return look


class _Seen:
    """What is kept of rows of scores whose columns come block by block.

    Sums over exp((score − highest) / temperature) are taken to a new highest score by one factor:
    with δ = (old − new) / temperature, Σe^z becomes e^δ Σe^z and Σ z e^z becomes e^δ (Σ z e^z + δ Σe^z).
    """

    def __init__(self, rows: int, depth: int, mate_score: Floats, temperature: float) -> None:
        self._depth, self._temperature, self._mate = depth, temperature, mate_score
        self._highest = mate_score.copy()
        self._total, self._mean = np.zeros(rows), np.zeros(rows)
        self.top = np.empty((rows, depth))
        self._width = np.zeros(rows, np.int64)

    def see(self, start: int, scores: Floats) -> None:
        """Take in further columns of some rows, from row `start` on; they are overwritten."""
        z, weight = np.empty_like(scores[0]), np.empty_like(scores[0])
        per_temperature = 1 / self._temperature
        for row, line in enumerate(scores, start):  # row by row, so that a row stays in cache
            highest = max(line.max(), self._highest[row])
            delta = (self._highest[row] - highest) / self._temperature
            np.subtract(line, highest, out=z)
            z *= per_temperature
            np.exp(z, out=weight)
            factor = np.exp(delta)
            mean = factor * (self._mean[row] + delta * self._total[row]) + weight @ z
            self._total[row] = factor * self._total[row] + weight.sum()
            self._mean[row], self._highest[row] = mean, highest
            if self._depth:
                self._keep_best(row, line)

    def _keep_best(self, row: int, scores: Floats) -> None:
        width = int(self._width[row])
        if width:
            scores = np.concatenate([scores, self.top[row, :width]])
        kept = min(self._depth, len(scores))
        if kept < len(scores):
            scores.partition(len(scores) - kept)
        best = scores[len(scores) - kept :]
        best.sort()
        self.top[row, :kept] = best[::-1]
        self._width[row] = kept

    def entropy(self, distractors: Ints) -> Floats:
        """Return the normalised entropy with the mate."""
        mate = (self._mate - self._highest) / self._temperature
        whole = self._total + np.exp(mate)
        spread = np.log(whole) - (self._mean + np.exp(mate) * mate) / whole
        return np.clip(spread / np.log(np.maximum(distractors + 1, 2)), 0, 1)


def _barred(way: Way, query: Ints) -> Ints:
    """List (place in the sample, candidate) of what is not a distractor, the mate among it, once each."""
    candidates = len(way.candidates)
    where = np.full(len(way.queries), -1, np.int64)
    where[query] = np.arange(len(query))
    keys = [np.arange(len(query)) * candidates + way.mate[query]]
    if way.left_out is not None:
        inside = where[way.left_out[0]] >= 0
        keys.append(where[way.left_out[0][inside]] * candidates + way.left_out[1][inside])
    both = np.unique(np.concatenate(keys))
    return np.stack([both // candidates, both % candidates])
