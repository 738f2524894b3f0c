"""What counts as a hit: recall by study, by text and by patient, each beside its own chance."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from relinkage.linkage.result import AuditResult
from relinkage.linkage.rows import RecallRow, TargetRow
from relinkage.pages.audits import ALL, select
from relinkage.pages.figures.canvas import SMALL, TEXT_SIZE, Figure, Sheet, colour, drawn, log_ticks
from relinkage.pages.palette import series
from relinkage.pages.verdicts import headline_row
from relinkage.pages.wording import about, bare_percent, count, counted, interval, percent, sides

STUDY = "study"
TARGETS = (STUDY, "text", "patient")
"""What a query may be linked to, from the narrowest to the widest."""

_NAMES, _NOTES, _TOP, _BOTTOM, _HEAD, _ROW, _GAP = 58, 62, 34, 42, 32, 22, 24


def target_rows(audit: AuditResult, direction: str) -> list[RecallRow]:
    """Give the rows of one direction for every target, the closed set's own first."""
    return select((*audit.closed_set, *audit.targets), direction=direction, negatives=ALL)


def target(row: RecallRow) -> str:
    """Give what a row counts as a hit: "study" for the closed set's."""
    return row.target if isinstance(row, TargetRow) else STUDY


def targets_figure(audit: AuditResult, prefix: str, direction: str) -> Figure | None:
    """Draw recall by target as dots with intervals and chance marks, a panel each for K = 1 and the next K.

    Args:
        audit: the audit.
        prefix: starts the figure's key; unique on the page.
        direction: as in the rows.

    Returns:
        None where the audit knows no target but the study in this direction.
    """
    rows = target_rows(audit, direction)
    if {target(row) for row in rows} <= {STUDY}:
        return None
    ks = sorted({row.k for row in rows})[:2]
    panels = [[row for row in rows if row.k == k] for k in ks]
    tall = max(_height(panel) for panel in panels)

    def paint(sheet: Sheet) -> None:
        wide = sheet.width if sheet.narrow else (sheet.width - _GAP * (len(panels) - 1)) / len(panels)
        for number, panel in enumerate(panels):
            aside = 0.0 if sheet.narrow else number * (wide + _GAP)
            above = number * tall if sheet.narrow else 0
            axes = sheet.axes(
                left=aside + _NAMES,
                right=sheet.width - aside - wide + _NOTES,
                top=above + _TOP,
                bottom=sheet.height - above - tall + _BOTTOM,
            )
            axes.set_ylim(tall - _TOP - _BOTTOM, 0)
            _paint(axes, panel)

    wide, narrow = drawn(f"{prefix}-targets", (tall, tall * len(panels)), paint)
    takeaway = _takeaway(panels[0])
    return Figure(
        f"{prefix}-targets",
        "Recall by what counts as a hit",
        takeaway,
        f"Dots with intervals, a row for study, text and patient in each pool. {takeaway} Marks are chance.",
        wide,
        narrow,
        ("Linked to", "Pool", "K", "Recall", "Interval", "Chance", "Lift"),
        tuple(
            (
                target(row),
                count(row.pool),
                str(row.k),
                percent(row.recall),
                interval(row.low, row.high),
                bare_percent(row.chance),
                f"{about(row.lift)} ×",
            )
            for row in rows
        ),
    )


def _pool(row: RecallRow) -> tuple[bool, int]:
    """Tell pools apart; the full one differs in size where a patient's reports leave it."""
    return row.full, 0 if row.full else row.pool


def _pools(rows: Sequence[RecallRow]) -> list[tuple[bool, int]]:
    return sorted(dict.fromkeys(_pool(row) for row in rows))


def _height(rows: Sequence[RecallRow]) -> int:
    return _TOP + _BOTTOM + len(_pools(rows)) * _HEAD + len(rows) * _ROW


def _paint(axes: Axes, rows: Sequence[RecallRow]) -> None:
    """Draw the rows of one K, a block a pool."""
    shown = [share for row in rows for share in (row.recall, row.high, row.chance) if share > 0]
    limits = (
        min([*shown, *(row.low for row in rows if row.low > 0)]) / 1.6,
        min(max(shown) * 1.4, 1.0),
    )
    axes.set(xscale="log", xlim=limits)
    axes.grid(False)
    ticks = log_ticks(*limits)
    axes.yaxis.set_major_locator(NullLocator())
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: bare_percent(share)))
    _write(axes, -_NAMES, -18, f"Recall@{rows[0].k}", "ink", bold=True)
    y = 0.0
    for pool in _pools(rows):
        own = {target(row): row for row in rows if _pool(row) == pool}
        full, size = pool[0], max(row.pool for row in own.values())
        _write(axes, -_NAMES, y + _HEAD - 12, f"{'all' if full else 'pool of'} {count(size)}", "muted")
        y += _HEAD
        axes.vlines(ticks, y, y + len(own) * _ROW, color=colour("rule"), linewidth=0.8)
        if pool == _pools(rows)[0]:
            first = next(own[hit] for hit in TARGETS if hit in own)
            _name_chance(axes, max(first.chance, limits[0]), y - 8)
        for hit in (hit for hit in TARGETS if hit in own):
            _paint_row(axes, own[hit], y + _ROW / 2, limits)
            y += _ROW


def _paint_row(axes: Axes, row: RecallRow, y: float, limits: tuple[float, float]) -> None:
    role = series(TARGETS.index(target(row)))
    low, value, high, chance = (
        min(max(share, limits[0]), limits[1]) for share in (row.low, row.recall, row.high, row.chance)
    )
    axes.vlines(chance, y - 8, y + 8, color=colour("muted"), linewidth=1.2, linestyle=(0, (2, 2)))
    axes.hlines(y, low, high, color=colour(role), linewidth=2, clip_on=False)
    axes.plot(
        value,
        y,
        marker="o",
        markersize=8,
        color=colour(role),
        markeredgecolor=colour("ground"),
        markeredgewidth=1.2,
        clip_on=False,
    )
    _write(axes, 6 - _NAMES, y, target(row), "ink")
    _write(axes, 10, y, percent(row.recall), role, end=True)


def _name_chance(axes: Axes, x: float, y: float) -> None:
    axes.annotate("chance", xy=(x, y), ha="center", va="center", fontsize=SMALL, color=colour("muted"))


def _write(
    axes: Axes, x: float, y: float, text: str, role: str, *, bold: bool = False, end: bool = False
) -> None:
    """Write x CSS pixels from the left edge of the axes (with `end`, the right one), y below their top."""
    axes.annotate(
        text,
        xy=(1 if end else 0, y),
        xycoords=("axes fraction", "data"),
        xytext=(x, 0),
        textcoords="offset points",
        va="center",
        fontsize=TEXT_SIZE if bold else SMALL,
        fontweight="bold" if bold else "normal",
        color=colour(role),
        annotation_clip=False,
    )


def _takeaway(rows: Sequence[RecallRow]) -> str:
    """Say recall by each target at the pool of headlines, for rows of one K."""
    spoken = headline_row([row for row in rows if target(row) == STUDY] or rows)
    own = {target(row): row for row in rows if _pool(row) == _pool(spoken)}
    query, candidate = sides(spoken.direction)
    among = "comes first" if spoken.k == 1 else f"is among the first {spoken.k}"
    names = {
        STUDY: f"the study's own {candidate} {among}",
        "text": "one with its text does",
        "patient": "one of its patient does",
    }
    if among != "comes first":
        names |= {"text": "one with its text is", "patient": "one of its patient is"}
    said = [
        f"{name} for {percent(own[hit].recall)} of {query}s ({about(own[hit].lift)} times chance)"
        for hit, name in names.items()
        if hit in own
    ]
    return f"Among {counted(spoken.pool, candidate)} {'; '.join(said)}."
