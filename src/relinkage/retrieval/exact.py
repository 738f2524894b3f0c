"""Exact search: the nearest candidates of each query, the same whatever the block size.

The score is linkage's: the float64 cosine of the vectors as given. A matrix product in float64 finds the
candidates that may be among the nearest; they are settled by the compiled product that linkage settles with.

Order: from the highest score down, whatever is within 2⁻⁴⁰ of the highest that is left ties with it, and ties
stand in the order of the rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.errors import InputError
from relinkage.linkage.scores_and_ties import TIE, paired_cosines
from relinkage.linkage.vectors import Vectors
from relinkage.progress import progress
from relinkage.retrieval.sides import NOBODY

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BLOCK_BYTES = 96 * 2**20
"""Similarities that lie in memory at a time."""


@dataclass(frozen=True, eq=False)
class Found:
    """What some queries found, nearest first.

    Attributes:
        place: int64, shape (queries, top): places among the candidates.
        score: float64, shape (queries, top): cosines.
    """

    place: Ints
    score: Floats


def nearest(
    queries: Vectors,
    candidates: Vectors,
    top: int,
    query_group: Ints,
    candidate_group: Ints,
    block_bytes: int = _BLOCK_BYTES,
) -> Found:
    """Find the nearest candidates of each query among all that are not of its own group.

    Args:
        queries: who asks.
        candidates: who is found.
        top: how many to find.
        query_group: int64, shape (queries,): -1 for a query that nothing is left out for.
        candidate_group: int64, shape (candidates,): equal to a query's where it must not be found.
        block_bytes: similarities that lie in memory at a time; the result does not depend on it.

    Raises:
        InputError: a query has fewer candidates than `top`.
    """
    check_top(top, query_group, candidate_group)
    # What rounding may cost either of two float64 products of d terms, see linkage/engines/bands.py.
    slack = 2.0**-45 + 8 * (queries.dimension + 4) * 2.0**-53
    unit = candidates.unit()
    place, score = np.empty((len(queries), top), np.int64), np.empty((len(queries), top))
    with progress(len(queries), "searching", "queries") as bar:
        for part in _parts(len(queries), max(1, block_bytes // (8 * len(candidates)))):
            rough = queries.take(part).unit() @ unit.T
            rough[own(query_group[part], candidate_group)] = -np.inf
            least = np.partition(rough, -top, axis=1)[:, -top] - TIE - 2 * slack
            for line, query in enumerate(part):
                near = np.flatnonzero(rough[line] >= least[line])
                place[query], score[query] = settled(queries, query, candidates, near, top)
            bar.update(len(part))
    return Found(place, score)


def settled(queries: Vectors, query: int, candidates: Vectors, near: Ints, top: int) -> tuple[Ints, Floats]:
    """Put some candidates of one query in order by their settled scores.

    Args:
        queries: who asks.
        query: which of them.
        candidates: who is found.
        near: int64, ascending, at least `top`: the candidates that are put in order.
        top: how many are kept.

    Returns:
        Places and scores, both of shape (top,).
    """
    scores = scores_of(queries, query, candidates, near)
    order = np.argsort(-scores, kind="stable")
    falling = -scores[order]
    chosen: list[int] = []
    while len(chosen) < top:
        first = len(chosen)
        end = int(np.searchsorted(falling, -(-falling[first] - TIE), side="right"))
        chosen.extend(np.sort(order[first:end]).tolist())  # ascending places of `near` are ascending rows
    kept = np.array(chosen[:top])
    return near[kept], scores[kept]


def tied_with_last(queries: Vectors, query: int, candidates: Vectors, found: Found, eligible: Ints) -> Ints:
    """Return all candidates that tie with the last result of a query, those that did not fit among them.

    Whatever an index looked into, every eligible candidate is compared.

    Args:
        queries: who asks.
        query: which of them.
        candidates: who is found.
        found: what the queries found.
        eligible: int64, ascending: the places of candidates that the query may find.

    Returns:
        int64, ascending places.
    """
    head = found.score[query, 0]
    for score in found.score[query]:
        if score < head - TIE:
            head = score
    scores = scores_of(queries, query, candidates, eligible)
    return eligible[(scores >= head - TIE) & (scores <= head)]


def scores_of(queries: Vectors, query: int, candidates: Vectors, places: Ints) -> Floats:
    """Give the settled scores of one query with some candidates: float64, shape (places,)."""
    return paired_cosines(
        queries.given, queries.inverse_norm, np.full(len(places), query, np.int64),
        candidates.given, candidates.inverse_norm, places,
    )  # fmt: skip


def own(query_group: Ints, candidate_group: Ints) -> NDArray[np.bool_]:
    """Say which candidates a query must not find: bool, shape (queries, candidates)."""
    return (query_group[:, None] == candidate_group) & (query_group != NOBODY)[:, None]


def check_top(top: int, query_group: Ints, candidate_group: Ints) -> None:
    """Check that every query has as many candidates as it should find.

    Raises:
        InputError: one has fewer.
    """
    sizes = np.unique(candidate_group[candidate_group != NOBODY], return_counts=True)
    largest = int(sizes[1][np.isin(sizes[0], query_group)].max(initial=0))
    fewest = len(candidate_group) - largest
    if fewest < top:
        raise InputError(
            f"--top {top} is more than the {fewest} candidates there are to find; give at most {fewest}."
            if fewest
            else "There is nothing to find, as every candidate is left out; exclude less."
        )


def _parts(queries: int, height: int) -> Iterator[Ints]:
    return (np.arange(start, min(start + height, queries)) for start in range(0, queries, height))
