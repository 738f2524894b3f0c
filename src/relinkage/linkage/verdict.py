"""The verdict of an audit: what all of its rows say together, both directions and every pool.

An alarm is one row whose interval, at a level that few sound audits fail as a whole, leaves out chance. That
no linkage was found needs more than no alarm: the upper limit of every row lies below a lift taken for
negligible. A claim about every row needs no stricter level (an intersection-union test: Berger, Technometrics
1982), and the largest upper limit bounds the largest lift at the level of a single one. All else is too few
to tell. So rows that are added may raise an alarm or withhold the all-clear, and never give it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from scipy.special import bdtr, bdtrc, betaincinv

from relinkage.linkage.rows import RecallRow, TargetRow

FALSE_ALARMS = 0.01
"""Share of audits, at most, in which chance alone puts some row off chance (Bonferroni)."""

POWER = 0.8
"""Of audits of as many patients as are named, the share that would tell."""

Outcome = Literal["above", "none", "unclear", "below"]


@dataclass(frozen=True)
class Verdict:
    """What the rows of an audit say together.

    Attributes:
        outcome: linkage above chance, no linkage found, too few to tell, or below chance.
        above: rows with an alarm above chance.
        below: rows with an alarm below chance.
        unclear: rows without an alarm whose upper limit does not lie below the negligible lift.
        at_most: the largest upper limit of lift over the rows that can tell; null where none can.
        patients: patients that the most demanding of the unclear rows needs to tell, if its rate stays what
            it is, or chance where that is higher; null where no row is unclear.
    """

    outcome: Outcome
    above: tuple[RecallRow, ...]
    below: tuple[RecallRow, ...]
    unclear: tuple[RecallRow, ...]
    at_most: float | None
    patients: int | None


def strict_level(rows: int) -> float:
    """Return the level at which each of so many rows is asked whether chance lies in its interval."""
    return 1 - FALSE_ALARMS / max(rows, 1)


def judge(rows: Sequence[RecallRow], negligible: float, level: float) -> Verdict:
    """Return what rows say together.

    Args:
        rows: all rows of an audit, whose `on_chance` asks at `strict_level` of their number.
        negligible: the lift that the upper limit of every row must lie below for the all-clear.
        level: of the intervals.
    """
    above = tuple(row for row in rows if not row.on_chance and row.recall > row.chance)
    below = tuple(
        row for row in rows if not row.on_chance and row.recall < row.chance and not _may_lie_below(row)
    )
    telling = [row for row in rows if can_tell(row, negligible)]
    unclear = tuple(row for row in telling if row.on_chance and row.high >= negligible * row.chance)
    outcome: Outcome
    if above:
        outcome = "above"
    elif below:
        outcome = "below"
    elif unclear or not telling:
        outcome = "unclear"
    else:
        outcome = "none"
    return Verdict(
        outcome,
        above,
        below,
        unclear,
        max((row.high / row.chance for row in telling), default=None),
        max((patients_to_tell(row, negligible, level, len(rows)) for row in unclear), default=None),
    )


def _may_lie_below(row: RecallRow) -> bool:
    """Say whether a scorer without knowledge may lie below a row's chance: hits that rank together do so."""
    return isinstance(row, TargetRow) and row.k > 1


def can_tell(row: RecallRow, negligible: float) -> bool:
    """Say whether a row could reach the lift in question: where chance is high, no recall does."""
    return row.chance * negligible < 1


def patients_to_tell(row: RecallRow, negligible: float, level: float, rows: int) -> int:
    """Return with how many patients like these a row would tell, in `POWER` of audits.

    It tells where it raises an alarm or its upper limit lies below the negligible lift. Its true rate is
    taken to be what it is, or chance where that is higher; hits of a patient hang together as they do here.

    Args:
        row: a row whose chance times `negligible` lies below 1.
        negligible: the lift in question.
        level: of the intervals.
        rows: of the audit, which share the false alarms.
    """
    rate = max(row.recall, row.chance)
    tails = (1 - level) / 2, (1 - strict_level(rows)) / 2

    def tells(queries: int) -> bool:
        return _share_that_tell(queries, rate, row.chance, negligible * row.chance, *tails) >= POWER

    few, many = 0, 1
    while not tells(many) and many < 2**50:
        few, many = many, 2 * many
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if tells(middle) else (middle, many)
    return max(math.ceil(many * row.patients / worth(row, level)), row.patients + 1)


def worth(row: RecallRow, level: float) -> float:
    """Return how many independent queries have an interval as wide as this row's."""
    wide = row.high - row.low
    if wide <= _width(row.recall, row.queries, level):
        return float(row.queries)
    few, many = 1e-3, float(row.queries)
    while many > 1.001 * few:
        middle = math.sqrt(few * many)
        few, many = (few, middle) if _width(row.recall, middle, level) < wide else (middle, many)
    return max(many, 1.0)


def _share_that_tell(
    queries: int, rate: float, chance: float, limit: float, tail: float, strict_tail: float
) -> float:
    """Return the probability that Clopper-Pearson limits of so many queries lie beside either bound."""
    # The upper limit of k hits lies below `limit` where so few hits are rare at that rate.
    few = _largest(queries, lambda hits: bool(bdtr(hits, queries, limit) < tail))
    # The strict lower limit of k hits lies above chance where so many are rare at chance.
    many = 1 + _largest(
        queries, lambda hits: hits == 0 or bool(bdtrc(hits - 1, queries, chance) >= strict_tail)
    )
    clear = float(bdtr(few, queries, rate)) if few >= 0 else 0.0
    alarm = float(bdtrc(many - 1, queries, rate)) if many <= queries else 0.0
    return clear + alarm if few < many else 1.0


def _largest(top: int, holds: Callable[[int], bool]) -> int:
    """Return the largest number up to `top` for which a falling property holds; -1 where it never does."""
    low, high = -1, top + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _width(share: float, queries: float, level: float) -> float:
    """Return the width of the Clopper-Pearson interval of a share of so many queries."""
    tail, hits = (1 - level) / 2, share * queries
    low = float(betaincinv(hits, queries - hits + 1, tail)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, queries - hits, 1 - tail)) if hits < queries else 1.0
    return high - low
