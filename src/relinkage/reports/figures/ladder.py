"""The ladder: several audited models side by side, at pool sizes that they share."""

from collections.abc import Sequence

from relinkage.linkage.result import AuditResult
from relinkage.linkage.rows import RecallRow
from relinkage.reports.audits import ALL, first_k, groups, select
from relinkage.reports.figures.canvas import Figure, log_ticks
from relinkage.reports.figures.dots import Block, Dot, dot_plot, log_limits
from relinkage.reports.figures.pools import RECALL, Line, against_chance, by_pool, pool_figure
from relinkage.reports.palette import series
from relinkage.reports.wording import (
    SPACE,
    bare_percent,
    count,
    interval,
    one_line,
    percent,
    sides,
    times,
)


def ladder_figures(audits: Sequence[AuditResult], prefix: str) -> list[Figure]:
    """Draw the ladder and the models' recall curves for every direction and kind of distractors they share.

    Args:
        audits: at least two.
        prefix: starts the figures' keys; unique on the page.
    """
    shared = [groups(audit.closed_set) for audit in audits]
    figures = []
    for position, group in enumerate(group for group in shared[0] if all(group in other for other in shared)):
        pools = shared_pools(audits, *group)
        if pools:
            key = f"{prefix}-{position}"
            figures += [_ladder(audits, key, *group, pools), _curves(audits, key, *group, pools)]
    return figures


def shared_pools(audits: Sequence[AuditResult], direction: str, negatives: str) -> list[int]:
    """Give the pool sizes at which every audit has a row for the K that the ladder shows, rising."""
    k = ladder_k(audits)
    rows = (select(audit.closed_set, direction=direction, negatives=negatives, k=k) for audit in audits)
    return sorted(set.intersection(*({row.pool for row in found} for found in rows)))


def ladder_k(audits: Sequence[AuditResult]) -> int:
    """Give the K of the ladder: the smallest of the first audit."""
    return first_k(audits[0].closed_set)


def ladder_row(audit: AuditResult, direction: str, negatives: str, k: int, pool: int) -> RecallRow:
    """Give the closed-set row of one model at one step."""
    return select(audit.closed_set, direction=direction, negatives=negatives, k=k, pool=pool)[0]


def _ladder(
    audits: Sequence[AuditResult], key: str, direction: str, negatives: str, pools: Sequence[int]
) -> Figure:
    k = ladder_k(audits)
    _, candidate = sides(direction)
    steps = {pool: [ladder_row(audit, direction, negatives, k, pool) for audit in audits] for pool in pools}
    blocks = [
        Block(
            f"{count(pool)} {candidate}s",
            tuple(
                _dot(audit, row, series(i)) for i, (audit, row) in enumerate(zip(audits, rows, strict=True))
            ),
            rows[0].chance,
        )
        for pool, rows in steps.items()
    ]
    limits = log_limits(blocks)
    wide, narrow = dot_plot(
        f"{key}-ladder",
        blocks,
        label=f"Recall@{k}, {direction}; dashed: chance",
        limits=limits,
        ticks=log_ticks(*limits),
        write=bare_percent,
        log=True,
    )
    takeaway = _takeaway(audits, steps[pools[-1]], k)
    table = tuple(
        (
            one_line(audit.name),
            count(pool),
            percent(row.recall),
            interval(row.low, row.high),
            bare_percent(row.chance),
            f"{times(row.lift)}{SPACE}×",
        )
        for pool, rows in steps.items()
        for audit, row in zip(audits, rows, strict=True)
    )
    return Figure(
        f"{key}-ladder",
        _title(f"Recall@{k}, model by model", negatives),
        takeaway,
        f"Dots with intervals, a row a model, a block a pool size. {takeaway} Dashed lines are chance.",
        wide,
        narrow,
        ("Model", "Pool", f"Recall@{k}", "Interval", "Chance", "Lift"),
        table,
    )


def _curves(
    audits: Sequence[AuditResult], key: str, direction: str, negatives: str, pools: Sequence[int]
) -> Figure:
    k = ladder_k(audits)
    lines = []
    for audit in audits:
        points = select(audit.closed_set, direction=direction, negatives=negatives, k=k)
        curve = select(audit.curve, direction=direction, negatives=negatives, k=k) or points
        lines.append(Line(one_line(audit.name, 24), by_pool(curve), points))
    takeaway = _takeaway(audits, [ladder_row(a, direction, negatives, k, pools[0]) for a in audits], k)
    return pool_figure(
        f"{key}-curves",
        RECALL,
        lines,
        takeaway,
        _title(f"Recall@{k} against pool size, model by model", negatives),
    )


def _dot(audit: AuditResult, row: RecallRow, role: str) -> Dot:
    note = f"{percent(row.recall)}  ·  {times(row.lift)}{SPACE}×"
    return Dot(one_line(audit.name, 30), row.recall, row.low, row.high, note, role)


def _takeaway(audits: Sequence[AuditResult], rows: Sequence[RecallRow], k: int) -> str:
    order = sorted(range(len(rows)), key=lambda i: rows[i].recall)
    least, most = order[0], order[-1]
    _, candidate = sides(rows[0].direction)

    def said(i: int) -> str:
        name = one_line(audits[i].name, 40)
        return f"{percent(rows[i].recall)} ({name}, {against_chance(rows[i])})"

    return (
        f"Among {count(rows[0].pool)} {candidate}s Recall@{k} spans {said(least)} to {said(most)}; "
        f"chance is {bare_percent(rows[0].chance)}."
    )


def _title(title: str, negatives: str) -> str:
    return title if negatives == ALL else f"{title}; distractors: {one_line(negatives, 40)}"
