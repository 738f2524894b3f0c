"""Where a figure was measured, in words: so many reports, the own stratum, the first K guesses."""

from typing import Protocol

from relinkage.linkage.rows import RecallRow, TargetRow
from relinkage.pages.audits import ALL
from relinkage.pages.wording import SPACE, count, counted, one_line, sides


class Placed(Protocol):
    """A row about a direction, a kind of distractors and a pool."""

    @property
    def direction(self) -> str:
        """Which side asks."""

    @property
    def negatives(self) -> str:
        """What distractors share with the query."""

    @property
    def pool(self) -> int:
        """Size of the pool; of a full pool, the largest."""

    @property
    def full(self) -> bool:
        """Whether the pool is all that is eligible."""


def own_stratum(row: Placed) -> bool:
    """Say whether each query searches its own stratum, so that the row has no one pool size."""
    return row.full and row.negatives != ALL


def pool_cell(row: Placed) -> str:
    """Give the pool as the cell of a table: `1,282`, or `own stratum, up to 53`."""
    return f"own stratum, up to{SPACE}{count(row.pool)}" if own_stratum(row) else count(row.pool)


def pool_name(row: Placed) -> str:
    """Give the pool as a title: `1,282 reports`, or `own stratum, up to 53 reports`."""
    _, candidate = sides(row.direction)
    found = counted(row.pool, candidate)
    return f"own stratum, up to{SPACE}{found}" if own_stratum(row) else found


def holding(row: Placed) -> str:
    """Say what an attacker holds: `100 reports`, `all 1,282 reports`, `100 reports that share labels`."""
    _, candidate = sides(row.direction)
    if own_stratum(row):
        return f"all {candidate}s that share {one_line(row.negatives)} (up to{SPACE}{count(row.pool)})"
    found = counted(row.pool, candidate)
    if row.full and row.pool > 1:
        found = f"all {found}"
    return found if row.negatives == ALL else f"{found} that share {one_line(row.negatives)}"


def finds(row: RecallRow) -> str:
    """Say what the attacker does whom a hit of a row is about."""
    _, candidate = sides(row.direction)
    what = "the right one"
    if isinstance(row, TargetRow):
        what = f"one of the patient's {candidate}s" if row.target == "patient" else "one with the right text"
    return f"finds {what}" if row.k == 1 else f"has {what} among {count(row.k)} guesses"


def at(row: RecallRow) -> str:
    """Say where a row was measured, in short: `at 100 reports`, `among 5 guesses at 100 reports`."""
    guesses = "" if row.k == 1 else f"among {count(row.k)} guesses "
    target = f" (by {row.target})" if isinstance(row, TargetRow) else ""
    return f"{guesses}at {holding(row).removeprefix('all ')}{target}"
