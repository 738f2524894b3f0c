"""The verdict of an audit in words, and the row that it names."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from relinkage.linkage.result import AuditResult
from relinkage.linkage.rows import RecallRow, TargetRow
from relinkage.linkage.verdict import Verdict, can_tell, judge
from relinkage.pages.audits import ALL, select
from relinkage.pages.places import at
from relinkage.pages.wording import bare_percent, bare_times, bounded, count, counted, rounded_up

LARGEST_POOL = 10_000
"""Headlines speak of the largest pool up to this size, so that those of audits compare."""


class Pooled(Protocol):
    """A row about a pool."""

    @property
    def pool(self) -> int:
        """Its size."""

    @property
    def full(self) -> bool:
        """Whether it is all that is eligible."""


P = TypeVar("P", bound=Pooled)


def verdict(audit: AuditResult) -> Verdict:
    """Return what all rows say together: both directions, every pool, all distractors and strata.

    Rows by text are left out: who names the commonest text lies above their chance without linking anyone.
    """
    settings, rows = audit.settings, [*audit.closed_set, *select(audit.targets, target="patient")]
    return judge(rows, settings.negligible_lift, settings.interval)


def headline_row(rows: Sequence[P]) -> P:
    """Return the row with the largest pool up to `LARGEST_POOL`, or with the smallest where all exceed it.

    Args:
        rows: rows about pools, at least one.
    """
    within = [row for row in rows if row.pool <= LARGEST_POOL]
    return (
        max(within, key=lambda row: (row.pool, row.full)) if within else min(rows, key=lambda row: row.pool)
    )


def named_row(audit: AuditResult, rows: Sequence[RecallRow]) -> RecallRow:
    """Return the one of some rows that a sentence names.

    All distractors go before strata, the first direction before the other, the mate before other hits, and a
    small K before a larger one.

    Args:
        audit: whose rows they are.
        rows: at least one.
    """
    first = audit.closed_set[0].direction

    def order(row: RecallRow) -> tuple[bool, bool, bool, int]:
        return row.negatives != ALL, isinstance(row, TargetRow), row.direction != first, row.k

    best = min(order(row) for row in rows)
    return headline_row([row for row in rows if order(row) == best])


def verdict_words(audit: AuditResult, found: Verdict, row: RecallRow) -> str:
    """Say the verdict in a line, without a full stop.

    Args:
        audit: the audit.
        found: what its rows say together.
        row: the row that the headline names.
    """
    if found.outcome == "above":
        rest = larger_pool(audit, found, row)
        return f"Above chance: {bare_times(row.lift)} times {at(row)}{f'; {rest}' if rest else ''}"
    if found.outcome == "below":
        return f"Below chance {at(row)}"
    if found.outcome == "none" and found.at_most is not None:
        level = bare_percent(audit.settings.interval)
        largest = max(row.pool for row in audit.closed_set)
        pools = f"pools of up to {count(largest)}"
        return f"No linkage found in {pools}: at most {bounded(found.at_most)} times chance at {level}"
    if found.patients is None:
        return "Too few to tell: chance is too high in pools so small"
    return f"Too few to tell: about {patients_needed(audit, found.patients)} like these would do"


def patients_needed(audit: AuditResult, patients: int) -> str:
    """Say how many patients would do, rounded up to two digits."""
    return counted(float(rounded_up(patients).replace(",", "")), who(audit))


def who(audit: AuditResult) -> str:
    """Return what intervals draw: patients, or studies where patients are not known."""
    return "patient" if audit.patients_known else "study"


def larger_pool(audit: AuditResult, found: Verdict, row: RecallRow) -> str:
    """Say what the largest pool shows where it has no alarm, beside a row that has one; often nothing."""
    alike = [other for other in _alike(audit, row) if other.pool > row.pool and other not in found.above]
    if not alike:
        return ""
    last = max(alike, key=lambda other: other.pool)
    if last in found.unclear:
        return f"too few hits to tell at {count(last.pool)}"
    return _at_most(last, count(last.pool)) if can_tell(last, audit.settings.negligible_lift) else ""


def smaller_pool(audit: AuditResult, found: Verdict, row: RecallRow) -> str:
    """Say what the largest pool shows whose upper limit is negligible, beside a row that is unclear."""
    clear = [
        other
        for other in _alike(audit, row)
        if other not in found.unclear and can_tell(other, audit.settings.negligible_lift)
    ]
    last = max(clear, key=lambda other: other.pool, default=None)
    return "" if last is None else _at_most(last, at(last).removeprefix("at "))


def _at_most(row: RecallRow, where: str) -> str:
    return f"at most {rounded_up(row.high / row.chance)} times chance at {where}"


def _alike(audit: AuditResult, row: RecallRow) -> list[RecallRow]:
    """Return the rows that differ from one in the pool alone."""
    rows: Sequence[RecallRow] = audit.closed_set
    if isinstance(row, TargetRow):
        rows = select(audit.targets, target=row.target)
    return select(rows, direction=row.direction, negatives=row.negatives, k=row.k)
