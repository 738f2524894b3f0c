"""How much a query's scores leave open: the entropy of its scores, as a strip from 0 to 1."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from relinkage.linkage.rows import EntropyRow
from relinkage.pages.figures.canvas import SMALL, Figure, Sheet, colour, drawn
from relinkage.pages.wording import about, counted, sides

_LEFT, _RIGHT, _TOP, _BOTTOM, _ROW = 12, 12, 10, 60, 58


def entropy_figure(rows: Sequence[EntropyRow], prefix: str) -> Figure:
    """Draw the normalised entropy of scores: quantiles as a band, the median as a line, the mean as a dot.

    Args:
        rows: of `entropy`, of one direction, at least one; a strip each.
        prefix: starts the figure's key; unique on the page.
    """

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes(left=_LEFT, right=_RIGHT, top=_TOP, bottom=_BOTTOM)
        axes.set(xlim=(0, 1), ylim=(len(rows) * _ROW, 0))
        axes.grid(False)
        axes.yaxis.set_major_locator(NullLocator())
        axes.xaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        for x, side, text in ((0, "left", "one candidate takes all"), (1, "right", "nothing is told apart")):
            _write(axes, x, len(rows) * _ROW, text, side, below=40)
        for number, row in enumerate(rows):
            _paint_strip(axes, row, number * _ROW, several=len(rows) > 1)

    tall = _TOP + _BOTTOM + len(rows) * _ROW
    wide, narrow = drawn(f"{prefix}-entropy", (tall, tall), paint)
    takeaway = entropy_sentence(rows[0])
    return Figure(
        f"{prefix}-entropy",
        "How much the scores of a query leave open",
        takeaway,
        f"A strip from 0 to 1: band of quantiles, median, and mean with its interval. {takeaway}",
        wide,
        narrow,
        ("Temperature", "Of queries", "Entropy up to"),
        tuple(
            cells
            for row in rows
            for cells in (
                (f"{row.temperature:g}", "mean", f"{row.entropy:.4g}"),
                (f"{row.temperature:g}", "interval of the mean", f"{row.low:.4g} to {row.high:.4g}"),
                *((f"{row.temperature:g}", f"{q.share:.0%}", f"{q.entropy:.4g}") for q in row.quantiles),
            )
        ),
    )


def entropy_sentence(row: EntropyRow) -> str:
    """Say what the mean entropy means as a number of candidates that look alike: M to the power of it."""
    query, candidate = sides(row.direction)
    alike = about(max(row.candidates**row.entropy, 1.0))
    return (
        f"A softmax of the scores at temperature {row.temperature:g} has {row.entropy:.3f} of the "
        f"entropy of a blind guess (interval {row.low:.3f} to {row.high:.3f}): as if {alike} of "
        f"{counted(row.candidates, candidate)} looked alike to the typical {query}."
    )


def _paint_strip(axes: Axes, row: EntropyRow, top: float, *, several: bool) -> None:
    ink = colour("series-1")
    y = top + _ROW - 18
    axes.hlines(y, 0, 1, color=colour("rule"), linewidth=12)
    shares = sorted((q.share, q.entropy) for q in row.quantiles)
    while len(shares) > 1:
        (_, low), (_, high) = shares.pop(0), shares.pop()
        axes.hlines(y, low, high, color=ink, linewidth=12, alpha=0.28)
    axes.vlines(row.median, y - 9, y + 9, color=ink, linewidth=2)
    axes.hlines(y, row.low, row.high, color=colour("ink"), linewidth=2)
    axes.plot(
        row.entropy,
        y,
        marker="o",
        markersize=7,
        color=colour("ink"),
        markeredgecolor=colour("ground"),
        markeredgewidth=1.2,
        clip_on=False,
    )
    side = "right" if row.entropy > 0.5 else "left"
    note = f"temperature {row.temperature:g}: " if several else ""
    _write(
        axes,
        row.entropy,
        y,
        f"{note}mean {row.entropy:.3f}, median {row.median:.3f}",
        side,
        below=-20,
    )


def _write(axes: Axes, x: float, y: float, text: str, side: str, *, below: float) -> None:
    axes.annotate(
        text,
        xy=(x, y),
        xytext=(0, -below),
        textcoords="offset points",
        ha=side,
        va="center",
        fontsize=SMALL,
        color=colour("muted"),
        annotation_clip=False,
    )
