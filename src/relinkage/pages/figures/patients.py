"""How exposed the patients are: a dot for each hundredth of them, and the strata that are exposed most."""

import math
from collections.abc import Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from relinkage.linkage.risk_rows import RiskRow, RiskStratum
from relinkage.pages.figures.canvas import SMALL, Figure, Sheet, colour, drawn
from relinkage.pages.figures.dots import Block, Dot, dot_plot, linear_ticks
from relinkage.pages.wording import (
    SPACE,
    bare_percent,
    count,
    counted,
    interval,
    one_line,
    percent,
    plural,
    times,
)

DOTS = 100
"""Dots in the picture of all patients."""
_SHOWN = 14
_LEFT, _RIGHT, _TOP, _BOTTOM = 20, 20, 34, 46


def patients_figure(row: RiskRow, prefix: str, who: str = "patient") -> Figure:
    """Draw every hundredth patient as a dot at the risk of its most exposed query.

    Args:
        row: one of the audit's entries of `risk`.
        prefix: starts the figure's key; unique on the page.
        who: what the row calls a patient: "study" where patients are not known.
    """
    edges, counts = row.histogram.edges, row.histogram.most_exposed
    # Empty bins below both chance and the least exposed patient would only push the dots aside.
    first = next(i for i, number in enumerate(counts) if number or edges[i + 1] >= row.chance)
    bins = list(pairwise(edges))[first:]
    dots = shared_out(counts[first:], min(DOTS, row.patients))

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes(left=_LEFT, right=_RIGHT, top=_TOP, bottom=_BOTTOM)
        tall = sheet.height - _TOP - _BOTTOM
        axes.set(xscale="log", xlim=(bins[0][0], bins[-1][1]), ylim=(0, tall))
        axes.grid(False)
        axes.yaxis.set_major_locator(NullLocator())
        axes.xaxis.set_major_locator(FixedLocator(_decades(bins[0][0])))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: bare_percent(share)))
        lowest = "; at the left end, or less" if first == 0 and counts[0] else ""
        axes.set_xlabel(f"risk of a {who}'s most exposed query{lowest}", labelpad=8)
        _paint_dots(axes, bins, dots, row.threshold, (sheet.width - _LEFT - _RIGHT) / len(bins), tall)
        chance_side = "right" if row.chance < row.threshold else "left"
        _line(axes, row.chance, "chance", "muted", chance_side)
        _line(
            axes,
            row.threshold,
            bare_percent(row.threshold),
            "alert",
            "left" if chance_side == "right" else "right",
        )

    wide, narrow = drawn(f"{prefix}-patients", (320, 300), paint)
    each = f"a {who}" if row.patients <= DOTS else f"one {who} in a hundred"
    takeaway = f"{risk_finding(row, who)} Each dot is {each}."
    cells = zip(edges[:-1], edges[1:], counts, row.histogram.mean, strict=True)
    return Figure(
        f"{prefix}-patients",
        f"How probable it is that each {who} is linked",
        takeaway,
        f"Stacked dots on a logarithmic axis of risk. {takeaway} Lines mark chance and the threshold.",
        wide,
        narrow,
        (
            "Risk above",
            "up to",
            f"{plural(who).capitalize()} by their most exposed query",
            "by the mean of their queries",
        ),
        tuple(
            (percent(low) if i else bare_percent(0), percent(high), count(top), count(mean))
            for i, (low, high, top, mean) in enumerate(cells)
        ),
    )


def exposed_figure(row: RiskRow, prefix: str, who: str = "patient") -> Figure | None:
    """Draw the strata that are exposed most, as multiples of the average risk; None where there are none.

    Args:
        row: one of the audit's entries of `risk`.
        prefix: starts the figure's key; unique on the page.
        who: as in `patients_figure`.
    """
    strata, average = row.strata, row.average
    if not strata or average <= 0:
        return None
    shown = strata[:_SHOWN]
    right = max(2.0, *(stratum.high / average for stratum in shown)) * 1.05
    head = "All strata" if len(shown) == len(strata) else f"The {len(shown)} most exposed of {len(strata)}"
    wide, narrow = dot_plot(
        f"{prefix}-exposed",
        [Block(head, tuple(_dot(stratum, average) for stratum in shown), 1.0)],
        label="risk as a multiple of the average",
        limits=(0.0, right),
        ticks=linear_ticks(right),
        write=lambda value: f"{value:g}{SPACE}×",
        log=False,
    )
    out = [stratum for stratum in strata if stratum.stands_out and stratum.risk > average]
    if out:
        first = f"{_name(out[0])}, at {times(out[0].ratio)}{SPACE}×"
        takeaway = (
            f"{len(out)} of {len(strata)} strata stand out above the average, most of all {first} its risk."
        )
    else:
        takeaway = f"None of {len(strata)} strata stands out above the average."
    return Figure(
        f"{prefix}-exposed",
        "Who is exposed most",
        takeaway,
        f"Dots with intervals, a row a stratum. {takeaway} The dashed line is the average of all queries.",
        wide,
        narrow,
        (
            "Queries with",
            "Mean risk",
            "Interval",
            "To the average",
            "Queries",
            plural(who).capitalize(),
            "Stands out",
        ),
        tuple(
            (
                _name(stratum),
                percent(stratum.risk),
                interval(stratum.low, stratum.high),
                f"{times(stratum.ratio)}{SPACE}×",
                count(stratum.queries),
                count(stratum.patients),
                "yes" if stratum.stands_out else "no",
            )
            for stratum in strata
        ),
    )


def risk_finding(row: RiskRow, who: str = "patient") -> str:
    """Say how many patients lie above the threshold, and where the one in the middle is."""
    middle = next(q.most_exposed for q in row.quantiles if q.share == 0.5)
    above = row.most_exposed
    share, ends = percent(above.above_share), interval(above.above_low, above.above_high)
    return (
        f"Of {counted(row.patients, who)}, {count(above.above)} ({share}, interval {ends}) "
        f"{'has' if above.above == 1 else 'have'} "
        f"a query that is linked with a probability above {bare_percent(row.threshold)}; for the "
        f"{who} in the middle it is {percent(middle)}."
    )


def shared_out(counts: Sequence[int], dots: int) -> list[int]:
    """Share dots out over bins in proportion to their counts, the largest remainders first."""
    total = sum(counts)
    exact = [number * dots / total for number in counts]
    out = [math.floor(share + 1e-9) for share in exact]
    by_remainder = sorted(range(len(counts)), key=lambda i: out[i] - exact[i])
    for i in by_remainder[: dots - sum(out)]:
        out[i] += 1
    return out


def _paint_dots(
    axes: Axes,
    bins: Sequence[tuple[float, float]],
    dots: Sequence[int],
    threshold: float,
    wide: float,
    tall: float,
) -> None:
    """Stack dots over the middle of each bin, as large as they fit."""
    abreast, pitch = max(
        ((n, min(wide * 0.94 / n, tall / math.ceil(max(dots) / n), 14.0)) for n in (1, 2, 3, 4)),
        key=lambda choice: choice[1],
    )
    for (low, high), number in zip(bins, dots, strict=True):
        places = [divmod(i, abreast) for i in range(number)]
        in_row = [min(abreast, number - level * abreast) for level, _ in places]
        # From the middle of the bin, in its own logarithmic width.
        aside = [
            (place - (n - 1) / 2) * pitch / wide + 0.5 for (_, place), n in zip(places, in_row, strict=True)
        ]
        axes.plot(
            [low * (high / low) ** share for share in aside],
            [(level + 0.5) * pitch for level, _ in places],
            linestyle="none",
            marker="o",
            markersize=pitch * 0.82,
            markeredgewidth=0,
            color=colour("alert" if low >= threshold * (1 - 1e-9) else "series-1"),
            clip_on=False,
        )


def _line(axes: Axes, x: float, name: str, role: str, side: str) -> None:
    axes.axvline(x, color=colour(role), linewidth=1.2, linestyle=(0, (2, 2)), zorder=0)
    axes.annotate(
        name,
        xy=(x, 1),
        xycoords=("data", "axes fraction"),
        xytext=(5 if side == "left" else -5, 8),
        textcoords="offset points",
        ha=side,
        fontsize=SMALL,
        color=colour(role),
        annotation_clip=False,
    )


def _decades(low: float) -> list[float]:
    return [10.0**exponent for exponent in range(math.ceil(math.log10(low) - 1e-9), 1)]


def _dot(stratum: RiskStratum, average: float) -> Dot:
    low, value, high = (share / average for share in (stratum.low, stratum.risk, stratum.high))
    role = "alert" if stratum.stands_out and value > 1 else "series-1"
    return Dot(_name(stratum), value, low, high, f"{times(value)}{SPACE}×", role)


def _name(stratum: RiskStratum) -> str:
    column, value = one_line(stratum.column, 30), one_line(stratum.value, 20)
    return column if value == "positive" else f"{column} {value}"
