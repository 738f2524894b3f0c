"""The scores of some queries with all distractors: how high they reach, and how they spread.

The open set and the entropy of the match need more of a query than its three counts. They look at a sample
of queries where there are many, each with all of its distractors, in float64.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from relinkage.linkage.engines.sweep import one_torch_thread
from relinkage.linkage.vectors import Vectors
from relinkage.linkage.ways import Way

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BLOCK = 64
_NO_DISTRACTOR = -1e300
"""Stands for a candidate that is no distractor: finite, so that 0 times it is 0."""
_MOST_SCORES = 25_000_000
"""Scores kept at most: 200 MB. Small pools need deep rows, and get fewer queries."""
_UNSEEN = 1e-10
"""Share of pools, at most, that may lie wholly below the scores that are kept."""


@dataclass(frozen=True)
class ScoreRows:
    """What distractors score with some queries.

    Attributes:
        query: int64, shape (n,): the queries, as rows of the linkage table.
        distractors: int64, shape (n,): eligible distractors of each.
        top: float64, shape (n, depth): their highest scores, descending; where a query has fewer
            distractors, the last ones are -1e300.
        log_mean: float64, shape (n,): logarithm of the mean over distractors of exp(score / temperature).
        entropy: float64, shape (n,): Shannon entropy of the softmaxed row, mate included, over that of an
            even one.
    """

    query: Ints
    distractors: Ints
    top: Floats
    log_mean: Floats
    entropy: Floats

    def take(self, rows: Ints) -> "ScoreRows":
        """Keep some of the queries: their places, ascending."""
        if len(rows) == len(self.query):
            return self
        return ScoreRows(
            self.query[rows], self.distractors[rows], self.top[rows], self.log_mean[rows], self.entropy[rows]
        )


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
        query: int64, shape (n,): rows of the linkage table, ascending.
        depth: highest scores to keep of each, up to the number of candidates.
        temperature: of the softmax.
    """
    n, candidates = len(query), len(way.candidates)
    top, log_mean, entropy = np.empty((n, depth)), np.empty(n), np.empty(n)
    mate_score = way.table.mate_score[query]
    unit = torch.from_numpy(_unit(way.candidates, slice(None)))
    barred = _barred(way, query)
    distractors = candidates - np.bincount(barred[0], minlength=n)

    def work(start: int) -> None:
        rows = slice(start, start + _BLOCK)
        products = torch.from_numpy(_unit(way.queries, query[rows])) @ unit.T
        scores = products.numpy()
        first, last = np.searchsorted(barred[0], [start, start + len(scores)])
        scores[barred[0][first:last] - start, barred[1][first:last]] = _NO_DISTRACTOR
        log_mean[rows], entropy[rows] = _softmax_figures(
            products, mate_score[rows], distractors[rows], temperature
        )
        if depth:
            if depth < candidates:
                scores.partition(candidates - depth, axis=1)
            best = scores[:, candidates - depth :]
            best.sort(axis=1)
            top[rows] = best[:, ::-1]

    with one_torch_thread() as threads, ThreadPoolExecutor(threads) as side_by_side:
        list(side_by_side.map(work, _starts(n)))
    return ScoreRows(query, distractors, top, log_mean, entropy)


def _starts(queries: int) -> Iterator[int]:
    return iter(range(0, queries, _BLOCK))


def _softmax_figures(
    scores: torch.Tensor, mate_score: Floats, distractors: Ints, temperature: float
) -> tuple[Floats, Floats]:
    """Give the log-mean-exp over distractors and the normalised entropy with the mate."""
    highest, total, mean = np.empty(len(scores)), np.empty(len(scores)), np.empty(len(scores))
    z, weight = torch.empty_like(scores[0]), torch.empty_like(scores[0])
    for row, line in enumerate(scores):  # row by row, so that a row stays in cache
        highest[row] = max(line.max().item(), mate_score[row])
        torch.sub(line, highest[row], out=z).div_(temperature)
        torch.exp(z, out=weight)
        total[row], mean[row] = weight.sum().item(), torch.dot(weight, z).item()
    with np.errstate(divide="ignore"):  # no distractor, or all so far below the mate that their weight is 0
        log_mean = np.log(total) - np.log(np.maximum(distractors, 1)) + highest / temperature
    mate = (mate_score - highest) / temperature
    whole = total + np.exp(mate)
    spread = np.log(whole) - (mean + np.exp(mate) * mate) / whole
    return log_mean, np.clip(spread / np.log(np.maximum(distractors + 1, 2)), 0, 1)


def _barred(way: Way, query: Ints) -> Ints:
    """List (place in the sample, candidate) of what is no distractor, the mate among it, once each."""
    candidates = len(way.candidates)
    where = np.full(len(way.queries), -1, np.int64)
    where[query] = np.arange(len(query))
    keys = [np.arange(len(query)) * candidates + way.mate[query]]
    if way.left_out is not None:
        inside = where[way.left_out[0]] >= 0
        keys.append(where[way.left_out[0][inside]] * candidates + way.left_out[1][inside])
    both = np.unique(np.concatenate(keys))
    return np.stack([both // candidates, both % candidates])


def _unit(vectors: Vectors, rows: Ints | slice) -> Floats:
    return np.multiply(vectors.given[rows], vectors.inverse_norm[rows, None], dtype=np.float64)
