"""Before and after: recall of the baseline and of the runs compared with it, on the queries they share."""

from collections.abc import Sequence
from typing import Literal

from relinkage.linkage.comparison_result import ComparisonResult, ComparisonRow
from relinkage.pages.audits import ALL, first_k, groups, select
from relinkage.pages.changes import Changes, changes, relative, relative_interval
from relinkage.pages.figures.canvas import Figure, log_ticks
from relinkage.pages.figures.dots import Block, Dot, dot_plot, log_limits
from relinkage.pages.palette import series
from relinkage.pages.places import pool_cell, pool_name
from relinkage.pages.wording import bare_percent, interval, one_line, p_value, percent

Side = Literal["before", "after"]


def comparison_figures(comparison: ComparisonResult, prefix: str) -> list[Figure]:
    """Draw recall before and after for every direction and kind of distractors.

    Args:
        comparison: the content of `comparison.json`.
        prefix: starts the figures' keys; unique on the page.
    """
    found = changes(comparison)
    return [
        _figure(
            [c for c in found if (c.direction, c.negatives) == group],
            f"{prefix}-{position}",
        )
        for position, group in enumerate(groups(comparison.rows))
    ]


def _figure(found: Sequence[Changes], key: str) -> Figure:
    k = first_k(found[0].rows)
    steps = [
        (base, [(c.after, select(c.rows, k=k, pool=base.pool, full=base.full)[0]) for c in found])
        for base in select(found[0].rows, k=k)
    ]
    blocks = [
        Block(
            pool_name(base),
            (
                _dot(found[0].before, base, "before", percent(base.before), 0),
                *(
                    _dot(name, row, "after", f"{percent(row.after)}  ·  {relative(row)}", i)
                    for i, (name, row) in enumerate(afters, 1)
                ),
            ),
            base.chance,
        )
        for base, afters in steps
    ]
    limits = log_limits(blocks)
    wide, narrow = dot_plot(
        key,
        blocks,
        label=f"Recall@{k}, {found[0].direction}; dashed: chance",
        limits=limits,
        ticks=log_ticks(*limits),
        write=bare_percent,
        log=True,
    )
    takeaway = " ".join(c.takeaway if len(found) == 1 else f"{c.after}: {c.takeaway}" for c in found)
    lines = [
        line
        for base, afters in steps
        for line in (
            (found[0].before, *_recall(base, "before"), "–", "–", "–"),
            *(
                (name, *_recall(row, "after"), relative(row), relative_interval(row), p_value(row.p_holm))
                for name, row in afters
            ),
        )
    ]
    title = f"Recall@{k} before and after, {found[0].direction.replace('-', ' ')}"
    if found[0].negatives != ALL:
        title += f"; distractors: {one_line(found[0].negatives, 40)}"
    return Figure(
        key,
        title,
        takeaway,
        f"Dots with intervals, the baseline first, a block a pool size. {takeaway} Dashed lines are chance.",
        wide,
        narrow,
        ("Run", "Pool", f"Recall@{k}", "Interval", "Change", "Interval", "p (Holm)"),
        tuple(lines),
    )


def _dot(name: str, row: ComparisonRow, side: Side, note: str, place: int) -> Dot:
    return Dot(one_line(name, 30), *_ends(row, side), note, series(place))


def _recall(row: ComparisonRow, side: Side) -> tuple[str, str, str]:
    value, low, high = _ends(row, side)
    return pool_cell(row), percent(value), interval(low, high)


def _ends(row: ComparisonRow, side: Side) -> tuple[float, float, float]:
    """Give recall on one side of the comparison, and the ends of its interval."""
    if side == "before":
        return row.before, row.before_low, row.before_high
    return row.after, row.after_low, row.after_high
