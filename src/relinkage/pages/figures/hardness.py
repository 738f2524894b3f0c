"""What is left of linkage when distractors resemble the query more and more."""

from relinkage.linkage.result import AuditResult
from relinkage.linkage.rows import RecallRow
from relinkage.pages.audits import ALL, first_k, groups, select
from relinkage.pages.figures.canvas import Figure, log_ticks
from relinkage.pages.figures.dots import Block, Dot, dot_plot
from relinkage.pages.wording import (
    SPACE,
    bare_percent,
    bare_times,
    count,
    interval,
    one_line,
    percent,
    times,
)


def hardness_figure(audit: AuditResult, prefix: str) -> Figure | None:
    """Draw recall as a multiple of chance, a row for all distractors and for each level of hard negatives.

    The pool is the largest at which every level keeps half of the queries that it has at the smallest.

    Args:
        audit: an audit with hard negatives.
        prefix: starts the figure's key; unique on the page.

    Returns:
        None where no pool is common to all levels.
    """
    directions = dict.fromkeys(direction for direction, _ in groups(audit.closed_set))
    found = {direction: rungs for direction in directions if (rungs := _rungs(audit, direction))}
    if not found:
        return None
    rows = [row for rungs in found.values() for row in rungs]
    blocks = [
        Block(
            f"{direction.replace('-', ' ').capitalize()}, pool of {count(rungs[0].pool)}",
            tuple(_dot(row, before) for row, before in zip(rungs, [None, *rungs], strict=False)),
            1.0,
        )
        for direction, rungs in found.items()
    ]
    low = max(0.1, min(0.7, *(row.low / row.chance for row in rows)))
    high = max(2.0, *(row.high / row.chance for row in rows)) * 1.1
    wide, narrow = dot_plot(
        f"{prefix}-hardness",
        blocks,
        label="recall as a multiple of chance",
        limits=(low, high),
        ticks=log_ticks(low, high),
        write=lambda value: f"{value:g}{SPACE}×",
        log=True,
    )
    takeaway = _takeaway(next(iter(found.values())))
    return Figure(
        f"{prefix}-hardness",
        "What is left when distractors share more with the query",
        takeaway,
        f"Dots with intervals, a row a kind of distractors. {takeaway} The dashed line is chance.",
        wide,
        narrow,
        ("Distractors", "Direction", "Pool", "K", "Recall", "Interval", "Chance", "Lift", "Coverage"),
        tuple(
            (
                _name(row),
                row.direction,
                count(row.pool),
                str(row.k),
                percent(row.recall),
                interval(row.low, row.high),
                bare_percent(row.chance),
                f"{times(row.lift)}{SPACE}×",
                percent(row.coverage),
            )
            for row in rows
        ),
    )


def _rungs(audit: AuditResult, direction: str) -> list[RecallRow]:
    """Give the row of each level at the pool that is shown."""
    known = select([*audit.curve, *audit.closed_set], direction=direction, full=False)
    k = first_k(audit.closed_set)
    levels = [negatives for way, negatives in groups(audit.closed_set) if way == direction]
    by_pool = [{row.pool: row for row in select(known, negatives=level, k=k)} for level in levels]
    common = sorted(set.intersection(*(set(rows) for rows in by_pool)))
    if not common or len(levels) < 2:
        return []
    pool = max(
        pool
        for pool in common
        if all(rows[pool].coverage >= rows[common[0]].coverage / 2 for rows in by_pool)
    )
    return [rows[pool] for rows in by_pool]


def _takeaway(rungs: list[RecallRow]) -> str:
    over_all, hardest = rungs[0], rungs[-1]
    left = f"{bare_times(hardest.lift)} times as often as chance ({percent(hardest.coverage)} of the queries)"
    if hardest.low <= hardest.chance <= hardest.high:
        left += "; the interval covers chance"
    first = "first" if over_all.k == 1 else f"within the first {over_all.k},"
    return (
        f"In pools of {count(over_all.pool)} the mate ranks {first} "
        f"{bare_times(over_all.lift)} times as often as chance among all distractors; among those that share "
        f"{_name(hardest)}, {left}."
    )


def _dot(row: RecallRow, before: RecallRow | None) -> Dot:
    low, value, high = (share / row.chance for share in (row.low, row.recall, row.high))
    role = "series-1" if row.negatives == ALL else "series-2"
    name = _name(row) if before is None else added(row.negatives, before.negatives)
    return Dot(name, value, low, high, f"{times(value)}{SPACE}×", role)


def added(negatives: str, before: str) -> str:
    """Name a level by what it adds to the one before: `+ view` for `labels+view` after `labels`."""
    name = one_line(negatives)
    return f"+ {name.removeprefix(before)[1:]}" if name.startswith(f"{before}+") else name


def _name(row: RecallRow) -> str:
    return "all distractors" if row.negatives == ALL else one_line(row.negatives)
