"""Exact ranks: one blocked pass over all query-candidate similarities, never an M×M array.

Start here. `count_ranks` puts the pass as a question to an engine (`engines`), which gives the integers of
float64 whatever it computes with. `count_both` asks in both directions at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.errors import InputError
from relinkage.linkage import scores_and_ties
from relinkage.linkage.engines import Engine, Mates, Question, Tally, in_blocks
from relinkage.linkage.runs import AnyStrata, Runs, Strata
from relinkage.linkage.vectors import Vectors, score_pairs

__all__ = ["Counts", "Pairs", "Strata", "count_both", "count_ranks"]

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

    @classmethod
    def zeros(cls, mate_score: NDArray[np.float64], levels: int) -> "Counts":
        """Counts in which nothing is counted yet, with a level for each of so many strata."""
        return cls(mate_score, *(np.zeros((levels + 1, len(mate_score)), np.int64) for _ in range(3)))


def count_ranks(
    queries: Vectors,
    candidates: Vectors,
    mate: Ints,
    *,
    strata: AnyStrata | None = None,
    left_out: Pairs | None = None,
    apart: Pairs | None = None,
    engine: Engine | None = None,
    threads: int | None = None,
) -> Counts:
    """Count, for every query, the distractors that score above its mate and those that tie with it.

    Args:
        queries: q vectors.
        candidates: m vectors of the same width.
        mate: int64, shape (q,): the candidate that is each query's mate.
        strata: strata; the counts hold a level for each, after the level of all candidates.
        left_out: pairs (query, candidate) that are not eligible, each at most once; a query's own mate
            among them is passed over.
        apart: pairs that are eligible among all candidates and in no stratum; none of them is left out too.
        engine: what counts; the portable one where not given. Large passes go block by block.
        threads: threads to use; all that there are where not given.

    Returns:
        The counts, exact as DESIGN defines them: float64 cosines, ties within 2⁻⁴⁰.

    Raises:
        InputError: the widths differ, or a mate is out of range.
    """
    asking = _Asking.make(queries, candidates, mate, strata)
    counts = Counts.zeros(asking.mate_score, asking.strata.levels)
    counting = in_blocks(engine)
    for runs in asking.strata.runs():
        tally = counting.count(asking.question(runs), threads=threads)
        asking.add(counts, runs, tally)
        asking.leave_out(counts, runs, left_out, apart)
    return counts


def count_both(
    queries: Vectors,
    candidates: Vectors,
    mate: Ints,
    *,
    strata: AnyStrata | None = None,
    left_out: Pairs | None = None,
    apart: Pairs | None = None,
    reverse_left_out: Pairs | None = None,
    reverse_apart: Pairs | None = None,
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
        apart: as in `count_ranks`.
        reverse_left_out: pairs (query i, query vector j): vector j is not eligible when i asks.
        reverse_apart: the same of pairs that are eligible among all vectors and in no stratum.
        engine: as in `count_ranks`.
        threads: as in `count_ranks`.

    Returns:
        The counts forth and back; both have a column for each query.

    Raises:
        InputError: as in `count_ranks`.
    """
    asking = _Asking.make(queries, candidates, mate, strata)
    forth, back = (Counts.zeros(asking.mate_score, asking.strata.levels) for _ in range(2))
    counting, one = in_blocks(engine), asking.one_query_each()
    column_above, column_ties = (
        np.zeros((asking.strata.levels + 1, len(candidates)), np.int64) for _ in range(2)
    )
    for runs in asking.strata.runs():
        tally = counting.count(asking.question(runs, one), threads=threads)
        asking.add(forth, runs, tally)
        asking.leave_out(forth, runs, left_out, apart)
        met, columns = slice(runs.back_levels + 1), runs.every_column()
        column_above[met, columns] += _by_level(tally.column_above)[met]
        column_ties[met, columns] += _by_level(tally.column_ties)[met]

    # Where several queries share a mate, one asked in the shared pass; the others ask in a pass of their own.
    back.above[:], back.ties[:] = column_above[:, mate], column_ties[:, mate]
    others = np.flatnonzero(one[mate] != np.arange(len(queries)))
    turned = asking.turned()
    if len(others):
        rest = count_ranks(
            candidates.take(mate[others]), queries, others,
            strata=turned.strata.of(others), engine=engine, threads=threads,
        )  # fmt: skip
        back.above[:, others], back.ties[:, others] = rest.above, rest.ties
    for runs in turned.strata.runs():
        turned.leave_out(back, runs, reverse_left_out, reverse_apart)
    return forth, back


@dataclass(frozen=True)
class _Asking:
    """Who asks about whom: query i is vector row[i], and its mate has been found and scored."""

    vectors: Vectors
    row: Ints
    candidates: Vectors
    mate: Ints
    mate_score: NDArray[np.float64]
    strata: AnyStrata

    @classmethod
    def make(cls, queries: Vectors, candidates: Vectors, mate: Ints, strata: AnyStrata | None) -> "_Asking":
        if queries.dimension != candidates.dimension:
            raise InputError(
                f"Queries have {queries.dimension} dimensions and candidates {candidates.dimension}; "
                "align them into one space first."
            )
        if len(mate) != len(queries) or mate.min() < 0 or mate.max() >= len(candidates):
            raise InputError(f"Every query needs a mate among the {len(candidates)} candidates.")
        row = np.arange(len(queries))
        mate_score = score_pairs(queries, row, candidates, mate)
        strata = strata or Strata.none(len(queries), len(candidates))
        return cls(queries, row, candidates, mate, mate_score, strata)

    def turned(self) -> "_Asking":
        """Give the other direction: each query's mate asks about the vectors of the queries."""
        return _Asking(
            self.candidates, self.mate, self.vectors, self.row, self.mate_score, self.strata.turned(self.mate)
        )

    def question(self, runs: Runs, one: Ints | None = None) -> Question:
        """Put a part of the pass as a question; `one` has the query that asks for each candidate, or -1."""
        rows, columns = runs.every_row(), runs.every_column()
        column_mates = None
        if one is not None:
            asks = one[columns]
            score = np.where(asks >= 0, self.mate_score[asks], np.inf)
            place = np.where(asks >= 0, runs.row_place[asks], -1)
            column_mates = Mates(place, self.vectors.identity[asks], score)
        mate = self.mate[rows]
        return Question(
            rows=runs.of_queries(self.vectors),
            columns=runs.of_candidates(self.candidates),
            mates=Mates(runs.place[mate], self.candidates.identity[mate], self.mate_score[rows]),
            column_mates=column_mates,
            starts=runs.starts,
            ends=runs.ends,
            centres=(self.vectors.mean, self.candidates.mean),
        )

    def one_query_each(self) -> Ints:
        """Give the query that asks for each candidate: the first with that mate, -1 for none."""
        one = np.full(len(self.candidates), -1, np.int64)
        one[self.mate[::-1]] = np.arange(len(self.mate))[::-1]
        return one

    def add(self, counts: Counts, runs: Runs, tally: Tally) -> None:
        """Add the answer to a part of the pass."""
        met, rows = slice(runs.levels + 1), runs.every_row()
        counts.above[met, rows] += _by_level(tally.above)[met]
        counts.ties[met, rows] += _by_level(tally.ties)[met]

    def leave_out(self, counts: Counts, runs: Runs, left_out: Pairs | None, apart: Pairs | None) -> None:
        """Add a part's candidates to those eligible, and take out the pairs that are not."""
        rows, last = runs.every_row(), runs.levels + 1
        counts.eligible[:last, rows] += self._sizes(runs)[:last]
        for first, pairs in enumerate((left_out, apart)):
            if pairs is not None:
                for counted, gone in zip(
                    (counts.eligible, counts.above, counts.ties), self._of_pairs(runs, *pairs), strict=True
                ):
                    counted[first:last, rows] -= _by_level(gone)[first:last]

    def _sizes(self, runs: Runs) -> Ints:
        """Count how many candidates of a part each query meets at each level; its mate is always one."""
        place = runs.place[self.mate[runs.every_row()]]
        inside = (runs.starts <= place) & (place < runs.ends)
        columns = int((runs.place >= 0).sum())
        return np.concatenate(
            [np.full((1, len(place)), columns), runs.ends - runs.starts + (~inside & (place >= 0))]
        )

    def _of_pairs(self, runs: Runs, rows: Ints, columns: Ints) -> Iterator[Ints]:
        """Count those of some pairs that lie in a part, all, above and tied: by depth, a column a row."""
        keep = (runs.row_place[rows] >= 0) & (runs.place[columns] >= 0) & (columns != self.mate[rows])
        rows, columns = rows[keep], columns[keep]
        of_part, identity = runs.every_row(), self.candidates.identity
        counts = np.zeros((3, len(runs.starts) + 1, runs.starts.shape[1]), np.int64)
        scores_and_ties.count_pairs(
            runs.row_place[rows], columns,
            score_pairs(self.vectors, self.row[rows], self.candidates, columns),
            runs.place, runs.starts, runs.ends, identity, identity[self.mate[of_part]],
            self.mate_score[of_part], *counts,
        )  # fmt: skip
        return iter(counts)


def _by_level(by_depth: Ints) -> Ints:
    """Sum the depths from each level on: what lies deeper lies in the coarser strata too."""
    return np.ascontiguousarray(by_depth[::-1].cumsum(axis=0)[::-1])
