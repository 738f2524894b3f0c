"""Exact ranks: one blocked pass over all query-candidate similarities, never an M×M array.

Start here. `count_ranks` puts the pass as a question to an engine (`engines`), which gives the integers of
float64 whatever it computes with. `count_both` asks in both directions at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.errors import InputError
from relinkage.linkage import scores
from relinkage.linkage.engines import Engine, Mates, Question, Tally, in_blocks
from relinkage.linkage.vectors import Vectors, score_pairs

Ints = NDArray[np.int64]
Pairs = tuple[Ints, Ints]


@dataclass(frozen=True)
class Counts:
    """What one pass leaves for every query, per level of nested strata (level 0 is all candidates).

    Attributes:
        mate_score: float64, shape (queries,): cosine of query and mate.
        eligible: int64, shape (levels, queries): eligible candidates, the mate included.
        above: int64, shape (levels, queries): distractors that score above the mate.
        ties: int64, shape (levels, queries): distractors that tie with the mate.
    """

    mate_score: NDArray[np.float64]
    eligible: Ints
    above: Ints
    ties: Ints


@dataclass(frozen=True)
class Strata:
    """Nested strata, coarse to fine: at each level a query meets the candidates that bear its number.

    Attributes:
        queries: int64, shape (levels, queries).
        candidates: int64, shape (levels, candidates). Numbers ascend with those of the coarser level, so
            that sorting by the finest level sorts by all.
    """

    queries: Ints
    candidates: Ints

    @classmethod
    def none(cls, queries: int, candidates: int) -> "Strata":
        """No level beyond that of all candidates."""
        return cls(np.empty((0, queries), np.int64), np.empty((0, candidates), np.int64))


def count_ranks(
    queries: Vectors,
    candidates: Vectors,
    mate: Ints,
    *,
    strata: Strata | None = None,
    left_out: Pairs | None = None,
    engine: Engine | None = None,
    threads: int | None = None,
) -> Counts:
    """Count, for every query, the distractors that score above its mate and those that tie with it.

    Args:
        queries: q vectors.
        candidates: m vectors of the same width.
        mate: int64, shape (q,): the candidate that is each query's mate.
        strata: nested strata; the counts hold a level for each, after the level of all candidates.
        left_out: pairs (query, candidate) that are not eligible, each at most once; a query's own mate
            among them is passed over.
        engine: what counts; the portable one where not given. Large passes go block by block.
        threads: threads to use; all that there are where not given.

    Returns:
        The counts, exact as DESIGN defines them: float64 cosines, ties within 2⁻⁴⁰.

    Raises:
        InputError: the widths differ, or a mate is out of range.
    """
    plan = _Plan.make(queries, candidates, mate, strata)
    tally = in_blocks(engine).count(plan.question(), threads=threads)
    return plan.finish(tally, left_out)


def count_both(
    queries: Vectors,
    candidates: Vectors,
    mate: Ints,
    *,
    strata: Strata | None = None,
    left_out: Pairs | None = None,
    reverse_left_out: Pairs | None = None,
    engine: Engine | None = None,
    threads: int | None = None,
) -> tuple[Counts, Counts]:
    """Do what `count_ranks` does, and the same in the other direction, from one matrix product.

    In the other direction each query i becomes a question about its mate: among all query vectors, how many
    score above vector i with candidate mate[i]? Where several queries share a mate, each asks for itself.

    Args:
        queries: as in `count_ranks`.
        candidates: as in `count_ranks`.
        mate: as in `count_ranks`.
        strata: as in `count_ranks`.
        left_out: as in `count_ranks`.
        reverse_left_out: pairs (query i, query vector j): vector j is not eligible when i asks.
        engine: as in `count_ranks`.
        threads: as in `count_ranks`.

    Returns:
        The counts forth and back; both have a column for each query.

    Raises:
        InputError: as in `count_ranks`.
    """
    plan = _Plan.make(queries, candidates, mate, strata)
    asking = plan.asking()
    tally = in_blocks(engine).count(plan.question(asking), threads=threads)
    forth = plan.finish(tally, left_out)

    # Where several queries share a mate, one asked in the shared pass; the others ask in a pass of their own.
    column = plan.runs.place[mate]
    back_above, back_ties = (
        _by_level(counts)[:, column] for counts in (tally.column_above, tally.column_ties)
    )
    others = np.flatnonzero(asking[column] != np.arange(len(queries)))
    turned = None if strata is None else Strata(strata.candidates[:, mate], strata.queries)
    if len(others):
        rest = count_ranks(
            candidates.take(mate[others]), queries, others,
            strata=None if turned is None else Strata(turned.queries[:, others], turned.candidates),
            engine=engine, threads=threads,
        )  # fmt: skip
        back_above[:, others], back_ties[:, others] = rest.above, rest.ties
    runs = _Runs.make(turned, len(queries), len(queries))
    out = _count_left_out(
        candidates, mate, queries, np.arange(len(queries)), forth.mate_score, runs, reverse_left_out
    )
    back = Counts(forth.mate_score, out.eligible, back_above - out.above, back_ties - out.ties)
    return forth, back


@dataclass(frozen=True)
class _Runs:
    """Candidates sorted by stratum, so that a query's stratum at each level is a run of columns."""

    order: Ints | None  # None where nothing needs to move
    place: Ints
    starts: Ints
    ends: Ints

    @classmethod
    def make(cls, strata: Strata | None, queries: int, candidates: int) -> "_Runs":
        place = np.arange(candidates)
        if strata is None or len(strata.candidates) == 0:
            none = np.empty((0, queries), np.int64)
            return cls(None, place, none, none)
        order = np.argsort(strata.candidates[-1], kind="stable")
        place[order] = np.arange(candidates)
        runs = [
            _run(columns, rows)
            for rows, columns in zip(strata.queries, strata.candidates[:, order], strict=True)
        ]
        return cls(order, place, np.array([run[0] for run in runs]), np.array([run[1] for run in runs]))

    def sort(self, candidates: Vectors) -> Vectors:
        return candidates if self.order is None else candidates.take(self.order)

    def sizes(self, mate: Ints) -> Ints:
        """Give how many candidates each query meets at each level; its mate is always one of them."""
        inside = (self.starts <= self.place[mate]) & (self.place[mate] < self.ends)
        return np.concatenate([np.full((1, len(mate)), len(self.place)), self.ends - self.starts + ~inside])


def _run(columns: Ints, rows: Ints) -> Pairs:
    """Give where each row's number begins and ends in columns that ascend."""
    end = np.append(np.flatnonzero(columns[1:] != columns[:-1]) + 1, len(columns))
    length = np.diff(end, prepend=0)
    start = np.searchsorted(columns, rows)
    inside = np.minimum(start, len(columns) - 1)
    return start, np.where(columns[inside] == rows, np.repeat(end, length)[inside], start)


@dataclass(frozen=True)
class _Plan:
    """The pass made ready: columns sorted by stratum, mates found and scored."""

    queries: Vectors
    candidates: Vectors
    mate: Ints
    mate_score: NDArray[np.float64]
    runs: _Runs

    @classmethod
    def make(cls, queries: Vectors, candidates: Vectors, mate: Ints, strata: Strata | None) -> "_Plan":
        if queries.dimension != candidates.dimension:
            raise InputError(
                f"Queries have {queries.dimension} dimensions and candidates {candidates.dimension}; "
                "align them into one space first."
            )
        if len(mate) != len(queries) or mate.min() < 0 or mate.max() >= len(candidates):
            raise InputError(f"Every query needs a mate among the {len(candidates)} candidates.")
        mate_score = score_pairs(queries, np.arange(len(queries)), candidates, mate)
        return cls(queries, candidates, mate, mate_score, _Runs.make(strata, len(queries), len(candidates)))

    def question(self, asking: Ints | None = None) -> Question:
        """Put the pass as a question; `asking` has the query that asks for each sorted column, or -1."""
        runs, mate = self.runs, self.mate
        column_mates = None
        if asking is not None:
            score = np.where(asking >= 0, self.mate_score[asking], np.inf)
            column_mates = Mates(asking, self.queries.identity[asking], score)
        return Question(
            rows=self.queries,
            columns=runs.sort(self.candidates),
            mates=Mates(runs.place[mate], self.candidates.identity[mate], self.mate_score),
            column_mates=column_mates,
            starts=runs.starts,
            ends=runs.ends,
            centres=(self.queries.mean, self.candidates.mean),
        )

    def asking(self) -> Ints:
        """Give the query that asks for each sorted column: the first with that mate, -1 for none."""
        asking = np.full(len(self.candidates), -1, np.int64)
        asking[self.runs.place[self.mate[::-1]]] = np.arange(len(self.mate))[::-1]
        return asking

    def finish(self, tally: Tally, left_out: Pairs | None) -> Counts:
        """Sum the depths to levels and take out what is not eligible."""
        itself = np.arange(len(self.queries))
        out = _count_left_out(
            self.queries, itself, self.candidates, self.mate, self.mate_score, self.runs, left_out
        )
        above, ties = _by_level(tally.above) - out.above, _by_level(tally.ties) - out.ties
        return Counts(self.mate_score, out.eligible, above, ties)


def _count_left_out(
    vectors: Vectors,
    row: Ints,
    candidates: Vectors,
    mate: Ints,
    mate_score: NDArray[np.float64],
    runs: _Runs,
    left_out: Pairs | None,
) -> Counts:
    """Count the pairs that are not eligible, above and tied; `eligible` is what remains of each stratum."""
    gone, above, ties = (np.zeros((len(runs.starts) + 1, len(mate)), np.int64) for _ in range(3))
    if left_out is not None:
        rows, columns = left_out
        keep = columns != mate[rows]
        rows, columns = rows[keep], columns[keep]
        scores.count_pairs(
            rows, columns, score_pairs(vectors, row[rows], candidates, columns),
            runs.place, runs.starts, runs.ends, candidates.identity, candidates.identity[mate], mate_score,
            gone, above, ties,
        )  # fmt: skip
    return Counts(mate_score, runs.sizes(mate) - _by_level(gone), _by_level(above), _by_level(ties))


def _by_level(by_depth: Ints) -> Ints:
    """Sum the depths from each level on: what lies deeper lies in the coarser strata too."""
    return np.ascontiguousarray(by_depth[::-1].cumsum(axis=0)[::-1])
