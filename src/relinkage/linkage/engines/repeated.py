"""Vectors that many of those asked about share: compared once for all of them.

No band can decide a tie, so whatever shares the mate's vector stays open in every engine, and w equal vectors
leave up to w² comparisons open. `count` stands between a block and its engine. It takes frequent vectors out
of the question, compares one of each kind with whoever asks, in float64, and counts as many as the asker's
strata hold. What remains is a smaller question, and the engine's.

Where columns ask too, frequent columns still have to ask about the rows, each for its own mate, and frequent
rows about the columns: questions of their own, of as many products as the large one was spared.
"""

from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from relinkage.compiled import compiled
from relinkage.linkage.engines.question import Engine, Ints, Question, Tally
from relinkage.linkage.engines.tiles import against_mate
from relinkage.linkage.strips import in_strips
from relinkage.linkage.vectors import Vectors
from relinkage.threads import available

_STRIP = 256
_MANY = 96
"""Products that the quickest engine makes while a comparison in float64 is made, about."""
_ODD = 0x1E3779B97F4A7C15
_PAYS = 2.0
"""What a comparison in float64 costs, in comparisons that an engine leaves open and then finds tied."""


def count(engine: Engine, question: Question, *, threads: int | None = None) -> Tally:
    """Answer a question with an engine that is spared what is frequent.

    Args:
        engine: what counts all others.
        question: the question; its vectors are in memory.
        threads: threads to use; all that there are where not given.
    """
    both = question.column_mates is not None
    columns = Frequent.among(question.columns, len(question.rows))
    rows = Frequent.among(question.rows, len(question.columns) if both else 0)
    if not columns.kinds and not rows.kinds:
        return engine.count(question, threads=threads)
    tally = Tally.zeros(question)

    def ask(part: Question, rows: Ints, columns: Ints, answer: Tally) -> None:
        some = part.some(rows, columns)
        if len(rows) and len(columns):
            answer.add(engine.count(some, threads=threads), rows, columns)

    ask(question, rows.others, columns.others, tally)
    forth = replace(question, column_mates=None)
    columns.count(forth, tally, threads)
    ask(forth, rows.members, columns.others, tally)
    if both:
        back, order = question.turned()
        turned = Tally(
            tally.column_above, tally.column_ties, np.zeros_like(tally.above), np.zeros_like(tally.ties)
        )
        rows = rows.moved(back.columns, order)
        rows.count(back, turned, threads)
        ask(back, columns.members, rows.others, turned)
    return tally


@dataclass(frozen=True)
class Frequent:
    """The vectors of a side that are equal in every bit to many others.

    Attributes:
        vectors: the whole side.
        members: int64: their places, those of a kind together and in ascending order.
        ends: int64, shape (kinds + 1,): where the kinds begin and end among the members.
    """

    vectors: Vectors
    members: Ints
    ends: Ints

    @classmethod
    def among(cls, vectors: Vectors, asking: int) -> "Frequent":
        """Find the kinds whose products or ties may cost more than one of them in float64 with all that ask.

        Args:
            vectors: the side.
            asking: how many vectors ask about it.
        """
        none = cls(vectors, np.zeros(0, np.int64), np.zeros(1, np.int64))
        if not asking:
            return none
        # Directions are equal; scores are only sure to be where the vectors themselves are. Different
        # vectors whose numbers meet are told apart below.
        number = vectors.identity * _ODD + vectors.inverse_norm.view(np.int64)
        _, kind, sizes = np.unique(number, return_inverse=True, return_counts=True)
        many = (sizes > 1) & ((sizes >= _MANY) | (sizes.astype(float) ** 2 > _PAYS * asking))
        if not many.any():
            return none
        kept = np.flatnonzero(many[kind])
        members = kept[np.argsort(kind[kept], kind="stable")]
        ends = np.concatenate([[0], np.cumsum(sizes[many])])
        alike = _like_first(vectors.given, vectors.inverse_norm, members, ends)
        return cls(vectors, members[alike], np.concatenate([[0], np.cumsum(alike)])[ends])

    def moved(self, vectors: Vectors, order: Ints) -> "Frequent":
        """Give the same of the same side in another order: `order` says which vector stands at each place."""
        members = np.argsort(order)[self.members]
        kind = np.repeat(np.arange(self.kinds), np.diff(self.ends))
        return Frequent(vectors, members[np.lexsort([members, kind])], self.ends)

    @property
    def kinds(self) -> int:
        """How many different vectors are frequent."""
        return len(self.ends) - 1

    @cached_property
    def others(self) -> Ints:
        """The places of all that are not frequent, in ascending order."""
        rare = np.ones(len(self.vectors), np.bool_)
        rare[self.members] = False
        return np.flatnonzero(rare)

    def count(self, question: Question, tally: Tally, threads: int | None) -> None:
        """Add what the rows of a question find out about the frequent ones among its columns."""
        if not self.kinds:
            return
        one, mates = self.vectors.take(self.members[self.ends[:-1]]), question.mates
        strip = partial(
            _count_kinds,
            question.rows.given, question.rows.inverse_norm, one.given, one.inverse_norm, one.identity,
            self.members, self.ends, question.starts, question.ends,
            mates.place, mates.identity, mates.score, tally.above, tally.ties,
        )  # fmt: skip
        in_strips(len(question.rows), _STRIP, lambda: strip, threads or available())


@compiled
def _like_first(given, inverse_norm, members, ends):
    """Say which members are equal to the first of their kind."""
    out = np.ones(len(members), np.bool_)
    for kind in range(len(ends) - 1):
        first = members[ends[kind]]
        for at in range(ends[kind] + 1, ends[kind + 1]):
            i = members[at]
            out[at] = inverse_norm[i] == inverse_norm[first]
            for k in range(given.shape[1]):
                out[at] &= given[i, k] == given[first, k]
    return out


@compiled
def _count_kinds(
    a, a_inverse, b, b_inverse, b_identity, members, ends, starts, stops,
    mate, mate_identity, mate_score, above, ties, first, last,
):  # fmt: skip
    """Compare rows `first` to `last` with one vector of each kind, and count all of its kind by depth.

    Args:
        a: the rows' vectors as given.
        a_inverse: their inverse norms.
        b: a vector of each kind.
        b_inverse: their inverse norms.
        b_identity: equal for equal directions.
        members: int64, the columns of each kind, ascending.
        ends: int64 (kinds + 1): where the kinds begin and end among the members.
        starts: int64 (levels, all rows): first column of the row's stratum.
        stops: int64 (levels, all rows): one past the last.
        mate: int64, all rows: the mate's column, -1 where it is none of these.
        mate_identity: int64, all rows: the mate's.
        mate_score: float64, all rows; +infinity for a row that asks nothing.
        above: int64 (depths, all rows), added to.
        ties: int64 (depths, all rows), added to.
        first: the first row.
        last: one past the last.
    """
    for i in range(first, last):
        if mate_score[i] == np.inf:
            continue
        for kind in range(len(b)):
            order = 0
            if b_identity[kind] != mate_identity[i]:
                order = against_mate(a, i, b, kind, a_inverse[i] * b_inverse[kind], mate_score[i])
            if order < 0:
                continue
            counts = ties if order == 0 else above
            own = members[ends[kind] : ends[kind + 1]]
            at = np.searchsorted(own, mate[i])
            is_mate = order == 0 and at < len(own) and own[at] == mate[i]
            deeper = 0
            for level in range(starts.shape[0] - 1, -1, -1):
                start, stop = starts[level, i], stops[level, i]
                inside = np.searchsorted(own, stop) - np.searchsorted(own, start)
                inside -= is_mate and start <= mate[i] < stop
                counts[level + 1, i] += inside - deeper
                deeper = inside
            counts[0, i] += len(own) - is_mate - deeper
