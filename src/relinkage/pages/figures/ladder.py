"""The ladder: several audited models side by side, at pool sizes that they share."""

from collections.abc import Sequence
from typing import NamedTuple

from relinkage.linkage.result import AuditResult
from relinkage.linkage.rows import RecallRow
from relinkage.pages.audits import ALL, first_k, groups, select
from relinkage.pages.figures.canvas import Figure, log_ticks
from relinkage.pages.figures.dots import Block, Dot, dot_plot, log_limits
from relinkage.pages.figures.pools import RECALL, Line, against_chance, by_pool, pool_figure
from relinkage.pages.palette import series
from relinkage.pages.places import holding, own_stratum, pool_cell, pool_name
from relinkage.pages.wording import (
    SPACE,
    bare_percent,
    interval,
    one_line,
    percent,
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
        steps = shared_steps(audits, *group)
        if steps:
            figures.append(_ladder(audits, f"{prefix}-{position}", *group, steps))
        pools = [step.pool for step in steps if not step.own]
        if pools and len(_sizes(audits, *group)) > 1:  # one size is not a curve
            figures.append(_curves(audits, f"{prefix}-{position}", *group, pools))
    return figures


class Step(NamedTuple):
    """A pool at which models are set side by side.

    Attributes:
        own: whether each query searches its own stratum, which is no one size.
        pool: the size; of the own stratum, the largest.
    """

    own: bool
    pool: int


def shared_steps(audits: Sequence[AuditResult], direction: str, negatives: str) -> list[Step]:
    """Give the pools at which every audit has a row for the K that the ladder shows, the own stratum last."""
    k = ladder_k(audits)
    rows = (select(audit.closed_set, direction=direction, negatives=negatives, k=k) for audit in audits)
    return sorted(set.intersection(*({_step(row) for row in found} for found in rows)))


def _step(row: RecallRow) -> Step:
    return Step(own_stratum(row), row.pool)


def ladder_k(audits: Sequence[AuditResult]) -> int:
    """Give the K of the ladder: the smallest of the first audit."""
    return first_k(audits[0].closed_set)


def ladder_row(audit: AuditResult, direction: str, negatives: str, k: int, step: Step) -> RecallRow:
    """Give the closed-set row of one model at one step."""
    rows = select(audit.closed_set, direction=direction, negatives=negatives, k=k)
    return next(row for row in rows if _step(row) == step)


def _ladder(
    audits: Sequence[AuditResult], key: str, direction: str, negatives: str, shared: Sequence[Step]
) -> Figure:
    k = ladder_k(audits)
    steps = {step: [ladder_row(audit, direction, negatives, k, step) for audit in audits] for step in shared}
    blocks = [
        Block(
            pool_name(rows[0]),
            tuple(
                _dot(audit, row, series(i)) for i, (audit, row) in enumerate(zip(audits, rows, strict=True))
            ),
            rows[0].chance,
        )
        for rows in steps.values()
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
    takeaway = _takeaway(audits, steps[max(shared, key=lambda step: (not step.own, step.pool))], k)
    table = tuple(
        (
            one_line(audit.name),
            pool_cell(row),
            percent(row.recall),
            interval(row.low, row.high),
            bare_percent(row.chance),
            f"{times(row.lift)}{SPACE}×",
        )
        for rows in steps.values()
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
        points = _of_one_size(audit.closed_set, direction, negatives, k)
        curve = _of_one_size(audit.curve, direction, negatives, k) or points
        lines.append(Line(one_line(audit.name, 24), by_pool(curve), points))
    smallest = Step(False, pools[0])
    takeaway = _takeaway(audits, [ladder_row(a, direction, negatives, k, smallest) for a in audits], k)
    return pool_figure(
        f"{key}-curves",
        RECALL,
        lines,
        takeaway,
        _title(f"Recall@{k} against pool size, model by model", negatives),
    )


def _sizes(audits: Sequence[AuditResult], direction: str, negatives: str) -> set[int]:
    """Give the pool sizes that the models' curves go through."""
    k = ladder_k(audits)
    rows = (row for audit in audits for row in (*audit.closed_set, *audit.curve))
    return {row.pool for row in _of_one_size(tuple(rows), direction, negatives, k)}


def _of_one_size(rows: Sequence[RecallRow], direction: str, negatives: str, k: int) -> list[RecallRow]:
    """Give the rows that have a place on an axis of pool sizes."""
    alike = select(rows, direction=direction, negatives=negatives, k=k)
    return [row for row in alike if not own_stratum(row)]


def _dot(audit: AuditResult, row: RecallRow, role: str) -> Dot:
    note = f"{percent(row.recall)}  ·  {times(row.lift)}{SPACE}×"
    return Dot(one_line(audit.name, 30), row.recall, row.low, row.high, note, role)


def _takeaway(audits: Sequence[AuditResult], rows: Sequence[RecallRow], k: int) -> str:
    order = sorted(range(len(rows)), key=lambda i: rows[i].recall)
    least, most = order[0], order[-1]

    def said(i: int) -> str:
        name = one_line(audits[i].name, 40)
        return f"{percent(rows[i].recall)} ({name}, {against_chance(rows[i])})"

    return (
        f"Among {holding(rows[0])} Recall@{k} spans {said(least)} to {said(most)}; "
        f"chance is {bare_percent(rows[0].chance)}."
    )


def _title(title: str, negatives: str) -> str:
    return title if negatives == ALL else f"{title}; distractors: {one_line(negatives, 40)}"
