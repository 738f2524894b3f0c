"""Strata as the pass wants them: candidates sorted so that all that a query meets at a level is one run.

`Strata` are nested and every candidate lies in one at each level. Where a query without a value meets all
values they overlap, and no order of the candidates makes a run of each. But among queries that have values
in the same columns and candidates that have values in the same columns, strata are nested again:
`PatternedStrata` hold one `Strata` for each such pair of patterns. A query and a candidate meet in one of
these pairs only, so counts add up.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.vectors import Vectors

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Runs:
    """Some queries, and some candidates in an order in which a query's stratum at each level is a run.

    Attributes:
        rows: int64, shape (r,): the queries; None for all.
        columns: int64, shape (c,): the candidates in that order; None for all as they stand.
        row_place: int64, shape (queries,): where a query stands among the rows, -1 where it does not.
        place: int64, shape (candidates,): where a candidate stands among the columns, -1 where it does not.
        starts: int64, shape (levels, r): the first column of each row's stratum, coarse to fine.
        ends: int64, shape (levels, r): one past its last.
        levels: at how many of the levels, from the coarsest on, rows meet columns.
        back_levels: at how many columns meet rows, where these ask.
    """

    rows: Ints | None
    columns: Ints | None
    row_place: Ints
    place: Ints
    starts: Ints
    ends: Ints
    levels: int
    back_levels: int

    def of_queries(self, vectors: Vectors) -> Vectors:
        """Give the rows of all query vectors."""
        return vectors if self.rows is None else vectors.take(self.rows)

    def of_candidates(self, vectors: Vectors) -> Vectors:
        """Give the columns of all candidate vectors."""
        return vectors if self.columns is None else vectors.take(self.columns)

    def every_row(self) -> Ints | slice:
        """Give what picks the rows out of an array with an entry for each query."""
        return slice(None) if self.rows is None else self.rows

    def every_column(self) -> Ints | slice:
        """Give what picks the columns, in their order, out of an array with an entry for each candidate."""
        return slice(None) if self.columns is None else self.columns


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

    @property
    def levels(self) -> int:
        """How many levels there are, that of all candidates left away."""
        return len(self.queries)

    def up_to(self, levels: int) -> "Strata":
        """Give the coarsest levels alone."""
        return Strata(self.queries[:levels], self.candidates[:levels])

    def of(self, queries: Ints) -> "Strata":
        """Give the strata of some queries."""
        return Strata(self.queries[:, queries], self.candidates)

    def turned(self, mate: Ints) -> "Strata":
        """Give the strata of the other direction: query i asks as its mate, and queries are asked about."""
        return Strata(self.candidates[:, mate], self.queries)

    def parts(self) -> "Iterator[tuple[tuple[int, int], Strata]]":
        """Go through the pairs of patterns with the strata between them: there is one."""
        yield (0, 0), self

    def runs(self) -> Iterator[Runs]:
        """Go through the parts of the pass: there is one."""
        rows, columns = self.queries.shape[1], self.candidates.shape[1]
        place = np.arange(columns)
        order = None
        if self.levels:
            order = np.argsort(self.candidates[-1], kind="stable")
            place[order] = np.arange(columns)
        met = self.levels, self.levels
        yield Runs(None, order, np.arange(rows), place, *_starts_and_ends(self, order), *met)


@dataclass(frozen=True)
class Between:
    """Queries of one pattern and candidates of another.

    Attributes:
        strata: their strata, by the columns that both have, in the order in which they stand among all.
        levels: at how many levels, from the coarsest on, these queries meet such candidates; at the others
            they meet none of them.
        back_levels: the same where the candidates ask and the queries are asked about.
    """

    strata: Strata
    levels: int
    back_levels: int


@dataclass(frozen=True)
class PatternedStrata:
    """Strata of queries and candidates that have values in different columns.

    Attributes:
        query: int64, shape (queries,): a number for the columns that each query has a value in.
        candidate: int64, shape (candidates,): the same of each candidate.
        between: by the numbers of queries and candidates, how they meet.
    """

    query: Ints
    candidate: Ints
    between: Mapping[tuple[int, int], Between]

    @property
    def levels(self) -> int:
        """How many levels there are, that of all candidates left away."""
        return next(iter(self.between.values())).strata.levels

    def up_to(self, levels: int) -> "PatternedStrata":
        """Give the coarsest levels alone."""
        between = {
            pair: Between(of.strata.up_to(levels), min(of.levels, levels), min(of.back_levels, levels))
            for pair, of in self.between.items()
        }
        return PatternedStrata(self.query, self.candidate, between)

    def of(self, queries: Ints) -> "PatternedStrata":
        """Give the strata of some queries."""
        of_each, stands = self.query[queries], _standing(self.query)[queries]
        between = {
            (asks, asked): replace(of, strata=of.strata.of(stands[of_each == asks]))
            for (asks, asked), of in self.between.items()
            if (of_each == asks).any()
        }
        return PatternedStrata(of_each, self.candidate, between)

    def turned(self, mate: Ints) -> "PatternedStrata":
        """Give the strata of the other direction, as `Strata.turned` does."""
        of_each, stands = self.candidate[mate], _standing(self.candidate)[mate]
        between = {
            (asked, asks): Between(of.strata.turned(stands[of_each == asked]), of.back_levels, of.levels)
            for (asks, asked), of in self.between.items()
            if (of_each == asked).any()
        }
        return PatternedStrata(of_each, self.query, between)

    def parts(self) -> Iterator[tuple[tuple[int, int], Strata]]:
        """Go through the pairs of patterns with the strata between them."""
        yield from ((pair, of.strata) for pair, of in self.between.items())

    def runs(self) -> Iterator[Runs]:
        """Go through the parts of the pass, one for each pair of patterns."""
        for (asks, asked), of in self.between.items():
            rows, columns = np.flatnonzero(self.query == asks), np.flatnonzero(self.candidate == asked)
            order = np.argsort(of.strata.candidates[-1], kind="stable")
            row_place, place = np.full(len(self.query), -1), np.full(len(self.candidate), -1)
            row_place[rows] = np.arange(len(rows))
            place[columns[order]] = np.arange(len(columns))
            ends = _starts_and_ends(of.strata, order)
            yield Runs(rows, columns[order], row_place, place, *ends, of.levels, of.back_levels)


AnyStrata = Strata | PatternedStrata


def _standing(pattern: Ints) -> Ints:
    """Give where each stands among those of its pattern."""
    order = np.argsort(pattern, kind="stable")
    sizes = np.unique(pattern, return_counts=True)[1]
    stands = np.empty(len(pattern), np.int64)
    stands[order] = np.arange(len(pattern)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return stands


def _starts_and_ends(strata: Strata, order: Ints | None) -> tuple[Ints, Ints]:
    if order is None:
        none = np.empty((0, strata.queries.shape[1]), np.int64)
        return none, none
    runs = [
        _run(columns, rows) for rows, columns in zip(strata.queries, strata.candidates[:, order], strict=True)
    ]
    return np.array([run[0] for run in runs]), np.array([run[1] for run in runs])


def _run(columns: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Give where each row's number begins and ends in columns that ascend."""
    end = np.append(np.flatnonzero(columns[1:] != columns[:-1]) + 1, len(columns))
    length = np.diff(end, prepend=0)
    start = np.searchsorted(columns, rows)
    inside = np.minimum(start, len(columns) - 1)
    return start, np.where(columns[inside] == rows, np.repeat(end, length)[inside], start)
