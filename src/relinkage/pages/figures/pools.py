"""Recall@K and its lift over chance, against the size of the pool."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from relinkage.linkage.result import AuditResult
from relinkage.linkage.rows import RecallRow
from relinkage.pages.audits import beats_chance, first_k, select
from relinkage.pages.figures.canvas import Figure, Sheet, colour, drawn, label_ends, log_ticks
from relinkage.pages.palette import series
from relinkage.pages.wording import (
    SPACE,
    bare_percent,
    bare_times,
    count,
    counted,
    one_line,
    percent,
    sides,
    times,
)


@dataclass(frozen=True)
class Line:
    """One line of a figure over pool sizes.

    Attributes:
        label: what stands at its end.
        rows: rows of the curve in order of pool size, at least one; they share a direction and a K.
        points: rows of the closed set that lie on it, drawn as dots.
    """

    label: str
    rows: list[RecallRow]
    points: list[RecallRow]


@dataclass(frozen=True)
class Measure:
    """What stands on the vertical axis.

    Attributes:
        name: head of its column in the data table.
        unit: what the recall of a row is divided by.
        write: writes a value.
        mark: writes a round value on the axis.
    """

    name: str
    unit: Callable[[RecallRow], float]
    write: Callable[[float], str]
    mark: Callable[[float], str]


RECALL = Measure("Recall", lambda row: 1.0, percent, bare_percent)
LIFT = Measure(
    "Lift",
    lambda row: row.chance,
    lambda lift: f"{times(lift)}{SPACE}×",
    lambda lift: f"{lift:,g}{SPACE}×",
)


def pool_figures(audit: AuditResult, prefix: str, direction: str, negatives: str) -> list[Figure]:
    """Give the recall and the lift figure of one direction and kind of distractors.

    Args:
        audit: the audit.
        prefix: starts the figures' keys; unique on the page.
        direction: as in the rows.
        negatives: as in the rows.
    """
    points = select(audit.closed_set, direction=direction, negatives=negatives)
    curve = select(audit.curve, direction=direction, negatives=negatives) or points
    lines = [Line(f"Recall@{k}", by_pool(select(curve, k=k)), select(points, k=k)) for k in _ks(curve)]
    first = by_pool(select(points, k=first_k(points)))
    return [
        pool_figure(f"{prefix}-recall", RECALL, lines, _recall_takeaway(first), "Recall@K against pool size"),
        pool_figure(
            f"{prefix}-lift", LIFT, lines, _lift_takeaway(first), "Lift over chance against pool size"
        ),
    ]


def pool_figure(key: str, measure: Measure, lines: Sequence[Line], takeaway: str, title: str) -> Figure:
    """Draw a measure against pool size on log axes, with interval bands, and chance as dashed lines."""
    rows = [row for line in lines for row in line.rows]
    _, candidate = sides(rows[0].direction)
    ks = _ks(rows)

    def paint(sheet: Sheet) -> None:
        longest_label = 12 if sheet.narrow else 24
        names = [one_line(line.label, longest_label) for line in lines]
        axes = sheet.axes(left=66, right=24 + 7.2 * max(len(name) for name in names), top=12, bottom=46)
        low, high = _limits(measure, rows)
        axes.set(xscale="log", yscale="log", ylim=(low, high), xlim=_pool_limits(rows))
        _ticks(axes.yaxis, log_ticks(low, high), measure.mark)
        _ticks(axes.xaxis, log_ticks(*axes.get_xlim()), count)
        axes.set_xlabel(f"{candidate}s in the pool, N", labelpad=8)
        for k in ks if measure is RECALL else ks[:1]:
            longest = max((line.rows for line in lines if line.rows[0].k == k), key=len)
            chance = [row.chance / measure.unit(row) for row in longest]
            at = next(i for i, line in enumerate(lines) if line.rows[0].k == k)
            role = series(at) if len(ks) > 1 and measure is RECALL else "muted"
            axes.plot([r.pool for r in longest], chance, color=colour(role), linewidth=1.1, dashes=(2, 3))
            if len(longest) == 1:
                axes.plot(longest[0].pool, chance[0], marker="_", markersize=16, color=colour(role))
        ends = [
            (_draw(axes, line, measure, series(i), low), name, series(i))
            for i, (line, name) in enumerate(zip(lines, names, strict=True))
        ]
        last = lines[0].rows[-1]
        label_ends(axes, [*ends, (last.chance / measure.unit(last), "chance", "muted")])

    wide, narrow = drawn(key, (360, 320), paint)
    alt = f"Line chart on logarithmic axes. {takeaway} Dashed lines are chance, bands are intervals."
    table = tuple(_cells(line.label, row, measure) for line in lines for row in line.rows)
    columns = ("Line", "Pool", measure.name, "From", "To", "Chance")
    return Figure(key, title, takeaway, alt, wide, narrow, columns, table)


def by_pool(rows: Sequence[RecallRow]) -> list[RecallRow]:
    """Put rows in order of pool size."""
    return sorted(rows, key=lambda row: row.pool)


def _draw(axes: Axes, line: Line, measure: Measure, role: str, floor: float) -> float:
    """Draw a line, its band and its dots, and give its last value."""

    def value(row: RecallRow, share: float) -> float:
        # A log axis has no zero: what lies below the floor is drawn on it.
        return max(share / measure.unit(row), floor)

    pools = [row.pool for row in line.rows]
    ink = colour(role)
    low, high = [value(row, row.low) for row in line.rows], [value(row, row.high) for row in line.rows]
    axes.fill_between(pools, low, high, color=ink, alpha=0.16, linewidth=0)
    axes.plot(
        pools, [value(row, row.recall) for row in line.rows], color=ink, linewidth=2, solid_joinstyle="round"
    )
    if len(line.rows) == 1:
        axes.vlines(pools, low, high, color=ink, linewidth=2)
    for row in line.points:
        axes.plot(
            row.pool,
            value(row, row.recall),
            marker="o",
            markersize=6.5,
            color=ink,
            markeredgecolor=colour("ground"),
            markeredgewidth=1.2,
            clip_on=False,
        )
    return value(line.rows[-1], line.rows[-1].recall)


def _cells(label: str, row: RecallRow, measure: Measure) -> tuple[str, ...]:
    shares = (row.recall, row.low, row.high, row.chance)
    values = (measure.write(share / measure.unit(row)) for share in shares)
    return (label, count(row.pool), *values)


def _limits(measure: Measure, rows: Sequence[RecallRow]) -> tuple[float, float]:
    chance = [row.chance / measure.unit(row) for row in rows]
    found = [row.recall / measure.unit(row) for row in rows if row.recall > 0]
    low = max(min(chance + found), min(chance) / 20)
    high = max(row.high / measure.unit(row) for row in rows)
    return low / 1.6, max(high, *chance) * 1.4


def _pool_limits(rows: Sequence[RecallRow]) -> tuple[float, float]:
    pools = [row.pool for row in rows]
    if min(pools) == max(pools):
        return pools[0] / 2, pools[0] * 2
    return min(pools), max(pools)


def _ticks(axis: Axis, values: Sequence[float], write: Callable[[float], str]) -> None:
    axis.set_major_locator(FixedLocator(list(values)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))


def _ks(rows: Sequence[RecallRow]) -> list[int]:
    return sorted({row.k for row in rows})


def _recall_takeaway(rows: Sequence[RecallRow]) -> str:
    """Say what the smallest and the largest pool show, for rows of one K in order of pool size."""
    query, candidate = sides(rows[0].direction)
    small, large = rows[0], rows[-1]
    first = "comes first" if small.k == 1 else f"is among the first {small.k}"
    found = f"the right one {first} for {percent(small.recall)} of {query}s"
    said = f"Among {counted(small.pool, candidate)} {found}"
    if small is large:
        return f"{said}: {against_chance(small)}."
    return (
        f"{said} ({against_chance(small)}), among {count(large.pool)} "
        f"for {percent(large.recall)} ({against_chance(large)})."
    )


def _lift_takeaway(rows: Sequence[RecallRow]) -> str:
    small, large = rows[0], rows[-1]
    if not any(beats_chance(row) for row in rows):
        return "At no pool size does the interval lie above chance."
    if small is large:
        return f"At N = {count(small.pool)} recall is {against_chance(small)}."
    ends = [f"{bare_times(row.lift)} times chance at N = {count(row.pool)}" for row in (small, large)]
    span = f"from {ends[0]} to {ends[1]}"
    if large.lift > 1.1 * small.lift:
        return f"The larger the pool, the further above chance: {span}."
    if large.lift < 0.9 * small.lift:
        return f"The advantage over chance shrinks as the pool grows: {span}."
    return f"The advantage over chance hardly changes with the pool: {span}."


def against_chance(row: RecallRow) -> str:
    """Say how many times chance a row reaches, and whether its interval covers chance."""
    inside = "; the interval covers chance" if not beats_chance(row) and row.high >= row.chance else ""
    return f"{bare_times(row.lift)} times chance{inside}"
