"""The open set as a detection error trade-off (Martin et al. 1997): a panel a score, a line a pool."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from matplotlib.transforms import ScaledTranslation

from relinkage.linkage.open_set_rows import DetCurve, OpenSetRow
from relinkage.linkage.result import AuditResult
from relinkage.pages.audits import select
from relinkage.pages.figures.canvas import TEXT_SIZE, Figure, Sheet, colour, drawn, label_ends
from relinkage.pages.figures.shares import share_axis, share_limits, within
from relinkage.pages.open_set import by_pool, operating_point, pool_name, rate_words, same_pool
from relinkage.pages.palette import series
from relinkage.pages.wording import bare_percent, counted, interval, percent, sides

_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP = 66, 84, 30, 46, 22
_WIDE, _NARROW = 340, 214
_LEAST = 0.001
"""Rates below one false claim in a thousand searches rest on too few searches to be drawn."""

_BESIDE = 3.0
"""CSS pixels between intervals of pools that stand at the same rate."""


def det_figure(audit: AuditResult, prefix: str, direction: str) -> Figure | None:
    """Draw the share of mates that are missed, FNIR = 1 − TPIR, against the rate of false claims, FPIR.

    Operating points stand as dots at the FPIR that was measured, with the interval of their FNIR; a dotted
    line in a pool's colour is the attacker who knows nothing, whose TPIR is FPIR / N at most.

    Args:
        audit: an audit of the open set.
        prefix: starts the figure's key; unique on the page.
        direction: as in the rows.

    Returns:
        None where the audit has no trade-off curves or no operating points for the direction.
    """
    curves = select(audit.det, direction=direction)
    points = select(audit.open_set, direction=direction)
    if not curves or not points:
        return None
    scores = list(dict.fromkeys(row.score for row in curves))
    limits = share_limits(
        [1 - p.tpir for row in curves for p in row.points if p.fpir >= _LEAST]
        + [1 - point.tpir for point in points]
        # Chance is seen over the last decade of rates, in the smallest pool.
        + [1 - 0.1 / min(row.pool for row in curves)]
    )

    def paint(sheet: Sheet) -> None:
        for number, score in enumerate(scores):
            last = number == len(scores) - 1
            axes = _panel(sheet, number, len(scores))
            axes.set(xscale="log", xlim=(_LEAST, 1.0))
            share_axis(axes, limits, names=sheet.narrow or number == 0)
            _name(axes, score, last if sheet.narrow else number == len(scores) // 2)
            own = by_pool(select(curves, score=score))
            ends = [_draw(axes, row, points, (i, len(own)), limits) for i, row in enumerate(own)]
            if sheet.narrow or last:
                label_ends(axes, ends)

    wide, narrow = drawn(f"{prefix}-det", (_WIDE, len(scores) * _NARROW + _BOTTOM - 14), paint)
    takeaway = _takeaway(points)
    return Figure(
        f"{prefix}-det",
        "Mates missed (FNIR) against false claims (FPIR)",
        f"{takeaway} Lower is more exposed; a dotted line is an attacker who knows nothing.",
        f"Line charts, a panel a score and a line a pool size. {takeaway} "
        "Dotted lines are an attacker who knows nothing.",
        wide,
        narrow,
        ("Score", "Pool", "False claims, FPIR", "Missed, FNIR", "Found, TPIR", "Interval"),
        tuple(_cells(row) for row in points) + tuple(cells for row in curves for cells in _curve_cells(row)),
    )


def _panel(sheet: Sheet, number: int, panels: int) -> Axes:
    """Give the axes of a panel: side by side on a wide page, one above the other on a narrow one."""
    if sheet.narrow:
        top = _TOP + number * _NARROW
        return sheet.axes(left=_LEFT, right=_RIGHT, top=top, bottom=sheet.height - top - _NARROW + 58)
    wide = (sheet.width - _LEFT - _RIGHT - (panels - 1) * _GAP) / panels
    left = _LEFT + number * (wide + _GAP)
    return sheet.axes(left=left, right=sheet.width - left - wide, top=_TOP, bottom=_BOTTOM)


def _name(axes: Axes, score: str, rate: bool) -> None:
    """Write the score over a panel and, where asked, what its horizontal axis shows."""
    axes.xaxis.set_major_locator(FixedLocator([0.001, 0.01, 0.1]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: bare_percent(share)))
    if rate:
        axes.set_xlabel("searches with a false claim, FPIR", labelpad=8)
    axes.annotate(
        score,
        xy=(0, 1),
        xycoords="axes fraction",
        xytext=(0, 10),
        textcoords="offset points",
        fontsize=TEXT_SIZE,
        fontweight="bold",
        color=colour("ink"),
    )


def _draw(
    axes: Axes,
    row: DetCurve,
    points: Sequence[OpenSetRow],
    place: tuple[int, int],
    limits: tuple[float, float],
) -> tuple[float, str, str]:
    """Draw a pool's curve, its chance and its operating points, and give what stands at the end.

    Args:
        axes: where.
        row: the curve.
        points: operating points of every score and pool.
        place: the pool's position, and how many there are.
        limits: ends of the axis of FNIR.
    """
    ink = colour(series(place[0]))
    own = [point for point in points if point.score == row.score and same_pool(point, row)]
    # Operating points lie beside the curve: their thresholds come from other patients than their rates.
    shown = [(p.fpir, within(1 - p.tpir, limits)) for p in reversed(row.points) if p.fpir > 0]
    if shown:
        axes.plot(*zip(*shown, strict=True), color=ink, linewidth=2, solid_joinstyle="round")
    rates = [10 ** (exponent / 10) for exponent in range(-30, 1)]
    nothing = [(rate, 1 - rate / row.pool) for rate in rates if 1 - rate / row.pool < limits[1]]
    if nothing:
        axes.plot(*zip(*nothing, strict=True), color=ink, linewidth=1.1, dashes=(1, 2.5))
    aside = (place[0] - (place[1] - 1) / 2) * _BESIDE / 72
    beside = axes.transData + ScaledTranslation(aside, 0, axes.figure.dpi_scale_trans)
    for point in own:
        x = max(point.fpir_measured, _LEAST)
        ends = [within(1 - end, limits) for end in (point.high, point.low)]
        axes.plot([x, x], ends, color=ink, linewidth=1.6, alpha=0.6, transform=beside)
        axes.plot(
            x,
            within(1 - point.tpir, limits),
            marker="o",
            markersize=6.5,
            color=ink,
            markeredgecolor=colour("ground"),
            markeredgewidth=1.2,
        )
    most = max(p.tpir for p in row.points)
    return within(1 - most, limits), pool_name(row), series(place[0])


def _takeaway(points: Sequence[OpenSetRow]) -> str:
    """Say what is missed at the most and at the fewest false claims, by the score and pool of the finding."""
    point = operating_point(points)
    mine = [
        row
        for row in points
        if row.direction == point.direction and row.score == point.score and same_pool(row, point)
    ]
    _, candidate = sides(point.direction)
    ends = sorted({row.fpir: row for row in mine}.items())
    said = [
        f"{percent(1 - row.tpir)} of the mates at {rate_words(rate)}" for rate, row in (ends[-1], ends[0])
    ]
    among = f"Among {counted(point.pool, candidate)} the attacker misses"
    return f"{among} {', and '.join(dict.fromkeys(said))}."


def _cells(row: OpenSetRow) -> tuple[str, ...]:
    rates = (percent(row.fpir_measured), percent(1 - row.tpir), percent(row.tpir))
    return (row.score, pool_name(row), *rates, interval(row.low, row.high))


def _curve_cells(row: DetCurve) -> list[tuple[str, ...]]:
    return [
        (row.score, pool_name(row), percent(p.fpir), percent(1 - p.tpir), percent(p.tpir), "–")
        for p in row.points
    ]
