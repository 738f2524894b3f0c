"""What a comparison of runs says: `comparison.json` in groups, each with what to take away from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from relinkage.linkage.comparison_result import ComparisonResult, ComparisonRow
from relinkage.pages.audits import first_k, groups, select
from relinkage.pages.places import holding, own_stratum
from relinkage.pages.verdicts import headline_row
from relinkage.pages.wording import (
    SPACE,
    one_line,
    p_value,
    percent,
    signed_interval,
    signed_percent,
)

_SMALL = 100
"""A change at a large pool stands beside that at this size."""


@dataclass(frozen=True)
class Changes:
    """The rows of one run against the baseline, for one direction and kind of distractors.

    Attributes:
        before: the baseline's name.
        after: the run's name.
        direction: who asks.
        negatives: the kind of distractors.
        rows: by pool and K.
        takeaway: what they say, one sentence about the smallest K and the pool of headlines.
    """

    before: str
    after: str
    direction: str
    negatives: str
    rows: tuple[ComparisonRow, ...]
    takeaway: str


def changes(comparison: ComparisonResult) -> list[Changes]:
    """Group the rows of a comparison by run, direction and kind of distractors."""
    names = [one_line(run.name, 40) for run in comparison.runs]
    found = []
    for direction, negatives in groups(comparison.rows):
        for run, name in enumerate(names[1:], 1):
            rows = select(comparison.rows, run=run, direction=direction, negatives=negatives)
            rows.sort(key=lambda row: (own_stratum(row), row.pool, row.k))
            said = takeaway(rows, 1 - comparison.settings.interval)
            found.append(Changes(names[0], name, direction, negatives, tuple(rows), said))
    return found


def takeaway(rows: Sequence[ComparisonRow], alpha: float) -> str:
    """Say in one sentence how recall moved.

    Args:
        rows: of one run, direction and kind of distractors, at least one.
        alpha: the adjusted p-value below which a change is told from none.
    """
    row = headline_row(select(rows, k=first_k(rows)))
    what = f"Recall@{row.k} among {holding(row)}"
    before, after, p = percent(row.before), percent(row.after), _p_words(row.p_holm)
    if row.difference == 0:
        return f"{what} is {before} before and after ({p})."
    if row.p_holm >= alpha:
        return (
            f"{what} is {before} before and {after} after, which the test does not tell from no change "
            f"({p}); the change lies between {points_interval(row)} points."
        )
    verb = "falls" if row.difference < 0 else "rises"
    if row.relative is None:
        return f"{what} {verb} from {before} to {after} ({p}); no share of 0 can be stated."
    sign = -1 if row.difference < 0 else 1
    by = percent(sign * row.relative)
    said = f"{what} {verb} from {before} to {after}, by {by} ({_ends(row, sign)}; {p})."
    return f"{said}{_at_another_size(rows, row)}"


def _at_another_size(rows: Sequence[ComparisonRow], row: ComparisonRow) -> str:
    """Say how recall changes in pools of 100, or the smallest: a relative change depends on the pool."""
    others = [
        other
        for other in select(rows, k=row.k)
        if other.pool < row.pool and other.relative is not None and not own_stratum(other)
    ]
    if not others:
        return ""
    other = min(others, key=lambda other: (other.pool != _SMALL, other.pool))
    change = "does not change" if other.difference == 0 else f"changes by {relative(other)}"
    return f" Among {holding(other)} it {change} ({relative_interval(other)})."


def points(row: ComparisonRow) -> str:
    """Give the difference in percentage points."""
    return signed_percent(row.difference).removesuffix(f"{SPACE}%")


def points_interval(row: ComparisonRow) -> str:
    """Give the interval of the difference in percentage points."""
    return signed_interval(row.difference_low, row.difference_high).removesuffix(f"{SPACE}%")


def relative(row: ComparisonRow) -> str:
    """Give the relative change, or a dash where recall was 0 before."""
    return "–" if row.relative is None else signed_percent(row.relative)


def relative_interval(row: ComparisonRow) -> str:
    """Give the interval of the relative change, or a dash where recall was 0 before."""
    low, high = row.relative_low, row.relative_high
    if low is None:
        return "–"
    return f"{signed_percent(low)} or more" if high is None else signed_interval(low, high)


def _ends(row: ComparisonRow, sign: int) -> str:
    """Give the interval of a fall or a rise, as positive numbers where it lies on one side of 0."""
    low, high = row.relative_low, row.relative_high
    if low is None or high is None or sign * low < 0 or sign * high < 0:
        return relative_interval(row)
    least, most = sorted(abs(end) for end in (low, high))
    return f"{percent(least).removesuffix(f'{SPACE}%')} to {percent(most)}"


def _p_words(p: float) -> str:
    said = p_value(p)
    return f"p{SPACE}{said}" if said.startswith("<") else f"p{SPACE}={SPACE}{said}"
