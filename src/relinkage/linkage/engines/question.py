"""What an engine is asked and what it answers: the one interface between the pass and the hardware.

A question is a block of rows and columns. Every row asks how many columns score above its mate and how many
tie with it; where `column_mates` is there, every column asks the same about the rows. The answer is a count
per depth of nested strata, so that the answers to the blocks of a larger question add up.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.vectors import Vectors

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Mates:
    """What is known of the mates of vectors that ask.

    Attributes:
        place: int64, shape (n,): the mate's number among the vectors asked about, -1 where it is elsewhere.
        identity: int64, shape (n,): the mate's, see `Vectors`.
        score: float64, shape (n,): what the mate scores; +infinity for a vector that asks nothing.
    """

    place: Ints
    identity: Ints
    score: Floats

    def part(self, asking: slice, asked: slice) -> "Mates":
        """Give what a block of those that ask knows of a block of those asked about."""
        start, stop = asked.start, asked.stop
        place = self.place[asking]
        inside = (start <= place) & (place < stop)
        return Mates(np.where(inside, place - start, -1), self.identity[asking], self.score[asking])

    def some(self, asking: Ints, asked: Ints) -> "Mates":
        """Give what some that ask know of some of those asked about, both int64 and in ascending order."""
        place = self.place[asking]
        at = np.searchsorted(asked, place)
        inside = np.append(asked, -2)[at] == place
        return Mates(np.where(inside, at, -1), self.identity[asking], self.score[asking])


@dataclass(frozen=True, eq=False)
class Question:
    """A block of the pass.

    Attributes:
        rows: the vectors that ask.
        columns: the vectors asked about, sorted so that the strata of a row are runs.
        mates: of the rows.
        column_mates: of the columns, where these ask too.
        starts: int64, shape (levels, rows): the first column of each row's stratum, coarse to fine.
        ends: int64, shape (levels, rows): one past its last.
        centres: float64, shape (d,) each: what rows and columns may be centred at before they are rounded.
            Any will do; the means of all unit vectors leave the least to bound.
    """

    rows: Vectors
    columns: Vectors
    mates: Mates
    column_mates: Mates | None
    starts: Ints
    ends: Ints
    centres: tuple[Floats, Floats]

    @property
    def depths(self) -> int:
        """How many strata a column can lie in, that of all columns included."""
        return len(self.starts) + 1

    def part(self, rows: slice, columns: slice) -> "Question":
        """Give the block of some rows and some columns; both slices have a start and an end."""
        width = columns.stop - columns.start
        return replace(
            self,
            rows=self.rows[rows],
            columns=self.columns[columns],
            mates=self.mates.part(rows, columns),
            column_mates=None if self.column_mates is None else self.column_mates.part(columns, rows),
            starts=np.clip(self.starts[:, rows] - columns.start, 0, width),
            ends=np.clip(self.ends[:, rows] - columns.start, 0, width),
        )

    def some(self, rows: Ints, columns: Ints) -> "Question":
        """Give the question of some rows and columns, both int64 and in ascending order."""
        return replace(
            self,
            rows=_taken(self.rows, rows),
            columns=_taken(self.columns, columns),
            mates=self.mates.some(rows, columns),
            column_mates=None if self.column_mates is None else self.column_mates.some(columns, rows),
            starts=np.searchsorted(columns, self.starts[:, rows]),
            ends=np.searchsorted(columns, self.ends[:, rows]),
        )

    def turned(self) -> tuple["Question", Ints]:
        """Give the question that the columns ask: they become rows, and rows sorted by stratum columns.

        A row lies in the stratum of a column where the column lies in the stratum of the row.

        Returns:
            The question, and which row became each of its columns.
        """
        assert self.column_mates is not None
        levels, n = self.starts.shape
        bounds = np.stack([self.starts, self.ends], axis=1).reshape(2 * levels, n)
        order = np.lexsort(bounds[::-1]) if levels else np.arange(n)  # by the coarsest first
        runs = [np.zeros((levels, len(self.columns)), np.int64) for _ in range(2)]
        for level, (start, end) in enumerate(zip(self.starts[:, order], self.ends[:, order], strict=True)):
            first = np.flatnonzero(np.diff(start, prepend=-1) | np.diff(end, prepend=-1))
            last = np.append(first, n)[1:]
            for out, value in zip(runs, (first, last), strict=True):
                out[level, _places(start[first], end[first])] = np.repeat(value, end[first] - start[first])
        place = np.full(n + 1, -1)  # the last stands for a mate that is elsewhere
        place[order] = np.arange(n)
        mates = self.column_mates
        question = Question(
            rows=self.columns,
            columns=_taken(self.rows, order),
            mates=Mates(place[mates.place], mates.identity, mates.score),
            column_mates=None,
            starts=runs[0],
            ends=runs[1],
            centres=self.centres[::-1],
        )
        return question, order


@dataclass(frozen=True, eq=False)
class Tally:
    """The answer: counts by depth, the mate in none of them.

    Attributes:
        above: int64, shape (depths, rows): columns that score above the row's mate.
        ties: int64, shape (depths, rows): columns that tie with it.
        column_above: int64, shape (depths, columns): rows that score above the column's mate; all 0 where
            columns ask nothing.
        column_ties: int64, shape (depths, columns): rows that tie with it.
    """

    above: Ints
    ties: Ints
    column_above: Ints
    column_ties: Ints

    @classmethod
    def zeros(cls, question: Question) -> "Tally":
        """An answer in which nothing is counted yet."""
        shapes = 2 * [(question.depths, len(question.rows))] + 2 * [(question.depths, len(question.columns))]
        return cls(*(np.zeros(shape, np.int64) for shape in shapes))

    def add(self, part: "Tally", rows: slice | Ints, columns: slice | Ints) -> None:
        """Add the answer to a block, which are these rows and columns of this one."""
        self.above[:, rows] += part.above
        self.ties[:, rows] += part.ties
        self.column_above[:, columns] += part.column_above
        self.column_ties[:, columns] += part.column_ties


def _taken(vectors: Vectors, places: Ints) -> Vectors:
    """Give the vectors at these places, without a copy where that is all of them as they stand."""
    return vectors if np.array_equal(places, np.arange(len(vectors))) else vectors.take(places)


def _places(starts: Ints, ends: Ints) -> Ints:
    """Give all numbers from each start to its end, one run after another."""
    sizes = ends - starts
    return np.arange(sizes.sum()) + np.repeat(starts - (np.cumsum(sizes) - sizes), sizes)


class Engine(Protocol):
    """A way to answer questions. All engines give the same integers."""

    @property
    def name(self) -> str:
        """What `audit.json` calls it."""
        ...

    def count(self, question: Question, *, threads: int | None = None) -> Tally:
        """Answer a question, exactly as DESIGN defines scores and ties.

        Args:
            question: the block.
            threads: processor threads to use; all that there are where not given.
        """
        ...
