"""The controls, which must sit on chance, drawn as multiples of it."""

from relinkage.linkage.result import AuditResult
from relinkage.linkage.rows import ControlRow
from relinkage.pages.audits import first_k
from relinkage.pages.controls import controls_finding
from relinkage.pages.figures.canvas import Figure
from relinkage.pages.figures.dots import Block, Dot, dot_plot, linear_ticks
from relinkage.pages.places import own_stratum, pool_cell
from relinkage.pages.wording import SPACE, bare_percent, count, interval, one_line, percent, times


def control_figure(audit: AuditResult, prefix: str) -> Figure:
    """Draw the controls as dots with intervals on an axis where chance is 1.

    Drawn are those of the smallest K and any that is off chance; the data table holds all.

    Args:
        audit: an audit with at least one control.
        prefix: starts the figure's key; unique on the page.
    """
    rows = audit.controls
    drawn = [row for row in rows if row.k == first_k(rows) or not row.on_chance]
    heads = list(dict.fromkeys(_head(row) for row in drawn))
    blocks = [Block(head, tuple(_dot(row) for row in drawn if _head(row) == head), 1.0) for head in heads]
    right = max(2.0, *(row.high / row.chance for row in drawn)) * 1.05
    wide, narrow = dot_plot(
        f"{prefix}-controls",
        blocks,
        label="recall as a multiple of chance",
        limits=(0.0, right),
        ticks=linear_ticks(right),
        write=lambda value: f"{value:g}{SPACE}×",
        log=False,
    )
    takeaway = controls_finding(audit)
    table = tuple(
        (
            _head(row),
            pool_cell(row),
            str(row.k),
            percent(row.recall),
            interval(row.low, row.high),
            bare_percent(row.chance),
            "yes" if row.on_chance else "no",
        )
        for row in rows
    )
    return Figure(
        f"{prefix}-controls",
        "Controls against chance",
        takeaway,
        f"Dots with intervals, a row a control. {takeaway} The dashed line is chance.",
        wide,
        narrow,
        ("Control", "Pool", "K", "Recall", "Interval", "Chance", "On chance"),
        table,
    )


def _head(row: ControlRow) -> str:
    negatives = "" if row.negatives == "all" else f", distractors: {one_line(row.negatives, 40)}"
    return f"{one_line(row.control, 40).capitalize()}, {row.direction}{negatives}"


def _dot(row: ControlRow) -> Dot:
    low, value, high = (share / row.chance for share in (row.low, row.recall, row.high))
    pool = "own stratum" if own_stratum(row) else f"N{SPACE}={SPACE}{count(row.pool)}"
    name = f"{pool}, K{SPACE}={SPACE}{row.k}"
    if row.on_chance:
        return Dot(name, value, low, high, f"{times(value)}{SPACE}×", "series-1")
    return Dot(name, value, low, high, f"{times(value)}{SPACE}× off chance", "alert")
