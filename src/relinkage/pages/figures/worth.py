"""The open set: what a claim is worth, against the probability that the mate is in the pool at all."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from relinkage.linkage.open_set_rows import OpenSetRow, Worth
from relinkage.pages.figures.canvas import Figure, Sheet, colour, drawn, label_ends
from relinkage.pages.figures.shares import share_axis, share_limits, within
from relinkage.pages.open_set import (
    operating_point,
    pool_name,
    rate_words,
    same_rate,
    worth,
    worth_sentence,
)
from relinkage.pages.palette import series
from relinkage.pages.wording import bare_percent, interval, percent

_PRIORS = [10 ** (exponent / 16) for exponent in range(-36, 1)]
"""From one pool in 180 that holds the mate to every pool."""


def worth_figure(rows: Sequence[OpenSetRow], prefix: str) -> Figure:
    """Draw the share of claims that are right, a line a pool, at the rate of the operating point.

    Dots stand at the priors of the rows; those of the operating point's pool have their intervals.
    A dotted line in a pool's colour is the attacker who knows nothing, who is right in prior / N at most.

    Args:
        rows: of `open_set`, of one direction, at least one.
        prefix: starts the figure's key; unique on the page.
    """
    point = operating_point(rows)
    lines = same_rate(rows, point)
    # Chance is seen over the last decade of priors, in the smallest pool.
    chance = 0.1 / min(row.pool for row in lines)
    limits = share_limits([chance, *(worth(row, prior) or 0.0 for row in lines for prior in _PRIORS)])

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes(left=66, right=84, top=14, bottom=46)
        axes.set(xscale="log", xlim=(_PRIORS[0], 1.0))
        share_axis(axes, limits)
        axes.xaxis.set_major_locator(FixedLocator([0.01, 0.1, 1] if sheet.narrow else [0.01, 0.1, 0.5, 1]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: bare_percent(share)))
        axes.set_xlabel("prior: queries with the mate in the pool", labelpad=8)
        _paint_intervals(axes, point, series(lines.index(point)), limits)
        ends = [_draw(axes, row, i, limits) for i, row in enumerate(lines)]
        label_ends(axes, ends)

    wide, narrow = drawn(f"{prefix}-worth", (340, 320), paint)
    takeaway = worth_sentence(point)
    return Figure(
        f"{prefix}-worth",
        f"What a claim is worth at {rate_words(point.fpir)}",
        f"{takeaway} A dotted line is an attacker who knows nothing.",
        f"Line chart, a line a pool size: share of claims that are right against the prior. {takeaway}",
        wide,
        narrow,
        ("Pool", "Prior", "Claims that are right", "Interval"),
        tuple(
            (pool_name(row), bare_percent(entry.prior), *_said(entry)) for row in lines for entry in row.ppv
        ),
    )


def _draw(axes: Axes, row: OpenSetRow, position: int, limits: tuple[float, float]) -> tuple[float, str, str]:
    """Draw a pool's line, its chance and its dots, and give what stands at the end."""
    ink = colour(series(position))
    right = [(prior, within(share, limits)) for prior in _PRIORS if (share := worth(row, prior)) is not None]
    if right:
        axes.plot(*zip(*right, strict=True), color=ink, linewidth=2)
    nothing = [(p, p / row.pool) for p in _PRIORS if p / row.pool > limits[0]]
    if nothing:
        axes.plot(*zip(*nothing, strict=True), color=ink, linewidth=1.1, dashes=(1, 2.5))
    for entry in row.ppv:
        if entry.ppv is not None:
            axes.plot(
                entry.prior,
                within(entry.ppv, limits),
                marker="o",
                markersize=6.5,
                color=ink,
                markeredgecolor=colour("ground"),
                markeredgewidth=1.2,
                clip_on=False,
            )
    return right[-1][1] if right else limits[0], pool_name(row), series(position)


def _paint_intervals(axes: Axes, point: OpenSetRow, role: str, limits: tuple[float, float]) -> None:
    """Draw the interval at each prior."""
    for entry in point.ppv:
        if entry.low is not None and entry.high is not None:
            ends = [within(end, limits) for end in (entry.low, entry.high)]
            axes.plot([entry.prior, entry.prior], ends, color=colour(role), linewidth=1.6, alpha=0.6)


def _said(entry: Worth) -> tuple[str, str]:
    if entry.ppv is None or entry.low is None or entry.high is None:
        return "no claims", "–"
    return percent(entry.ppv), interval(entry.low, entry.high)
