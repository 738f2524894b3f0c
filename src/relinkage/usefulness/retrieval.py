"""Clinical retrieval: does an image find reports of similar cases, and a report images of them?

A candidate is relevant where it shares a positive label with the query; its gain is the Jaccard index of the
two label sets. The query's own study is not a candidate: similar cases are asked for and not the mate.
Candidates whose cosines differ by at most 2⁻⁴⁰ tie, and every figure is its expectation over all orders of
tied candidates (McSherry & Najork, ECIR 2008). Cosines are float64, a block of queries at a time.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from relinkage.compiled import compiled
from relinkage.linkage.scores_and_ties import TIE
from relinkage.progress import progress
from relinkage.usefulness.relevance import Cases, Sets, discounts, overlap

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BLOCK_BYTES = 96 * 2**20
"""Similarities that lie in memory at a time."""


def unit(vectors: NDArray[np.float32]) -> Floats:
    """Scale rows to length one in float64; a row of zeros stays."""
    rows = vectors.astype(np.float64)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    return rows


def top_measures(
    queries: Cases, query_vectors: Floats, candidates: Cases, candidate_vectors: Floats, k: int
) -> Floats:
    """Look at the K nearest candidates of every query.

    Args:
        queries: who asks.
        query_vectors: float64 unit vectors, shape (queries, d).
        candidates: who is found, each query with at least K that are not its own.
        candidate_vectors: float64 unit vectors, shape (candidates, d).
        k: places looked at.

    Returns:
        float64, shape (queries, 3): the share of the K that have a label in common with the query, the share
        that have the same label set, and the discounted cumulative gain.
    """
    out = np.zeros((len(queries), 3))
    discount = discounts(k)
    for part, scores in _blocks(query_vectors, candidate_vectors, "retrieving"):
        _on_all_cores(_top_rows, scores, queries.take(part), candidates, discount, out[part])
    return out


def average_precision(
    queries: Cases, query_vectors: Floats, candidates: Cases, candidate_vectors: Floats, rows: Ints
) -> Floats:
    """Give the average precision of some queries over the whole order of their candidates.

    Args:
        queries: who asks.
        query_vectors: float64 unit vectors, shape (queries, d).
        candidates: who is found.
        candidate_vectors: float64 unit vectors, shape (candidates, d).
        rows: int64, shape (n,): which queries.

    Returns:
        float64, shape (n,): NaN where nothing is relevant.
    """
    out = np.empty((len(rows), 1))
    asked = queries.take(rows)
    for part, scores in _blocks(query_vectors[rows], candidate_vectors, "ordering"):
        _on_all_cores(_order_and_average, scores, asked.take(part), candidates, np.empty(0), out[part])
    return out[:, 0]


def _blocks(queries: Floats, candidates: Floats, what: str) -> Iterator[tuple[slice, Floats]]:
    height = max(1, _BLOCK_BYTES // (8 * len(candidates)))
    with progress(len(queries), what, "queries") as bar:
        for start in range(0, len(queries), height):
            part = slice(start, min(start + height, len(queries)))
            yield part, queries[part] @ candidates.T
            bar.update(part.stop - start)


def _on_all_cores(
    kernel: Callable[..., None],
    scores: Floats,
    queries: Cases,
    candidates: Cases,
    discount: Floats,
    out: Floats,
) -> None:
    """Run a compiled loop over the rows of a block, a strip of them on every core."""
    cores = os.cpu_count() or 1
    edges = np.linspace(0, len(scores), cores + 1).astype(int)
    with ThreadPoolExecutor(cores) as pool:
        done = [
            pool.submit(
                kernel, scores[a:b], queries.own[a:b], queries.sets[a:b], candidates.own, candidates.sets,
                discount, out[a:b],
            )
            for a, b in pairwise(edges)
        ]  # fmt: skip
        for strip in done:
            strip.result()


@compiled
def _top_rows(
    scores: Floats, own: Ints, sets: Sets, candidate_own: Ints, candidate_sets: Sets,
    discount: Floats, out: Floats,
) -> None:  # fmt: skip
    k = len(discount)
    best = np.empty(k)
    for i in range(len(scores)):
        best[:] = -np.inf
        for j in range(scores.shape[1]):
            score = scores[i, j]
            if score > best[k - 1] and candidate_own[j] != own[i]:
                place = k - 1
                while place > 0 and best[place - 1] < score:
                    best[place] = best[place - 1]
                    place -= 1
                best[place] = score
        # What ties with the last of the K stands in for it as well.
        least = best[k - 1] - TIE
        near = np.empty(4 * k, np.int64)
        count = 0
        for j in range(scores.shape[1]):
            if scores[i, j] >= least and candidate_own[j] != own[i]:
                if count == len(near):
                    near = np.append(near, np.empty(len(near), np.int64))
                near[count] = j
                count += 1
        near = near[:count]
        order = near[np.argsort(-scores[i][near])]
        place = 0
        while place < k:
            end, common, same, gain = place, 0, 0, 0.0
            while end < count and scores[i, order[end]] >= scores[i, order[place]] - TIE:
                both, either = overlap(sets, i, candidate_sets, order[end])
                if both > 0:
                    common += 1
                    gain += both / either
                if both == either:
                    same += 1
                end += 1
            size, inside = end - place, min(end, k) - place
            out[i, 0] += common / size * inside / k
            out[i, 1] += same / size * inside / k
            for rank in range(place, min(end, k)):
                out[i, 2] += gain / size * discount[rank]
            place = end


def _order_and_average(
    scores: Floats, own: Ints, sets: Sets, candidate_own: Ints, candidate_sets: Sets,
    discount: Floats, out: Floats,
) -> None:  # fmt: skip
    order = np.argsort(-scores, axis=1)  # numpy sorts three times as fast as compiled loops do
    _average_rows(scores, order, own, sets, candidate_own, candidate_sets, out)


@compiled
def _average_rows(
    scores: Floats, orders: Ints, own: Ints, sets: Sets, candidate_own: Ints, candidate_sets: Sets,
    out: Floats,
) -> None:  # fmt: skip
    for i in range(len(scores)):
        order = orders[i][candidate_own[orders[i]] != own[i]]
        place, before, total = 0, 0, 0.0
        while place < len(order):
            end, common = place, 0
            while end < len(order) and scores[i, order[end]] >= scores[i, order[place]] - TIE:
                if overlap(sets, i, candidate_sets, order[end])[0] > 0:
                    common += 1
                end += 1
            if common > 0:
                # A place of a tied run is relevant as often as its run, and then so many before it are.
                size = end - place
                step = (common - 1) / (size - 1) if size > 1 else 0.0
                for rank in range(place, end):
                    total += common / size * (1 + before + (rank - place) * step) / (rank + 1)
            before += common
            place = end
        out[i, 0] = total / before if before > 0 else np.nan
