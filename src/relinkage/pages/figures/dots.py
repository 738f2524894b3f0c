"""Dots with intervals in named rows: the form that the controls and the ladder share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from relinkage.pages.figures.canvas import SMALL, TEXT_SIZE, Sheet, colour, drawn
from relinkage.pages.wording import one_line

_HEAD, _TOP, _BOTTOM = 34, 6, 46
_ROW = {False: 26, True: 44}
_NAMES, _NOTES = 190, 150


@dataclass(frozen=True)
class Dot:
    """One row: a value and its interval.

    Attributes:
        name: what stands at its left.
        value: the value; on a log axis a value below the axis is drawn at its end.
        low: lower end of its interval.
        high: upper end of its interval.
        note: the value in words or figures, at the right.
        role: the role of its colour.
    """

    name: str
    value: float
    low: float
    high: float
    note: str
    role: str


@dataclass(frozen=True)
class Block:
    """Rows under one head, with the value that chance would give them.

    Attributes:
        head: what stands over the rows.
        dots: the rows, at least one.
        chance: where the dashed line stands.
    """

    head: str
    dots: tuple[Dot, ...]
    chance: float


def dot_plot(
    key: str,
    blocks: Sequence[Block],
    *,
    label: str,
    limits: tuple[float, float],
    ticks: Sequence[float],
    write: Callable[[float], str],
    log: bool,
) -> tuple[str, str]:
    """Draw blocks of rows over one axis, for a wide and for a narrow page.

    Args:
        key: as for `drawn`.
        blocks: from top to bottom, at least one.
        label: what the axis shows.
        limits: ends of the axis.
        ticks: values to mark on it.
        write: writes those values.
        log: whether the axis is logarithmic.
    """

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes(
            left=12 if sheet.narrow else _NAMES,
            right=16 if sheet.narrow else _NOTES,
            top=_TOP,
            bottom=_BOTTOM,
        )
        axes.set(xscale="log" if log else "linear", xlim=limits, ylim=(sheet.height - _TOP - _BOTTOM, 0))
        axes.grid(False)
        axes.yaxis.set_major_locator(NullLocator())
        axes.xaxis.set_major_locator(FixedLocator(list(ticks)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))
        axes.set_xlabel(label, labelpad=8)
        y = 0
        for block in blocks:
            _paint_block(axes, block, y, sheet.narrow, limits, ticks)
            y += _HEAD + len(block.dots) * _ROW[sheet.narrow]

    heights = tuple(
        _TOP + _BOTTOM + sum(_HEAD + len(block.dots) * _ROW[narrow] for block in blocks)
        for narrow in (False, True)
    )
    return drawn(key, (heights[0], heights[1]), paint)


def log_limits(blocks: Sequence[Block]) -> tuple[float, float]:
    """Give the ends of a log axis that holds all shares of the blocks, cut well below chance."""
    every = [x for block in blocks for dot in block.dots for x in (dot.low, dot.value, dot.high)]
    chances = [block.chance for block in blocks]
    shown = [x for x in (*every, *chances) if x > 0]
    return max(min(shown), min(chances) / 5) / 1.5, min(max(shown) * 1.5, 1.0)


def linear_ticks(high: float) -> list[float]:
    """Give at most six whole tick values from 0 to `high`."""
    step = next(s * 10**e for e in range(9) for s in (1, 2, 5) if high / (s * 10**e) <= 6)
    return [float(value) for value in range(0, int(high) + 1, step)]


def _paint_block(
    axes: Axes, block: Block, top: float, narrow: bool, limits: tuple[float, float], ticks: Sequence[float]
) -> None:
    row = _ROW[narrow]
    _text(axes, 0 if narrow else 3 - _NAMES, top + _HEAD - 14, block.head, "ink", weight="bold")
    first = top + _HEAD
    spans = [(first - 5, first + len(block.dots) * row - 3)]
    if narrow:
        # Names stand over their rows, so the lines leave room for them.
        spans = [(first + i * row + 22, first + (i + 1) * row) for i in range(len(block.dots))]
    for span in spans:
        axes.vlines(list(ticks), *span, color=colour("rule"), linewidth=0.8)
        axes.vlines(block.chance, *span, color=colour("muted"), linewidth=1.2, linestyle=(0, (2, 2)))
    for i, dot in enumerate(block.dots):
        line = first + i * row + row / 2
        y, words = (line + 10, line - 10) if narrow else (line, line)
        low, value, high = (min(max(x, limits[0]), limits[1]) for x in (dot.low, dot.value, dot.high))
        axes.hlines(y, low, high, color=colour(dot.role), linewidth=2, clip_on=False)
        axes.plot(
            value,
            y,
            marker="o",
            markersize=8,
            color=colour(dot.role),
            markeredgecolor=colour("ground"),
            markeredgewidth=1.2,
            clip_on=False,
        )
        _text(
            axes, 0 if narrow else 3 - _NAMES, words, one_line(dot.name, 30), "ink" if not narrow else "muted"
        )
        _text(axes, 0 if narrow else 12, words, dot.note, dot.role, right=narrow, end=True)


def _text(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    role: str,
    *,
    weight: str = "normal",
    end: bool = False,
    right: bool = False,
) -> None:
    """Write x CSS pixels from the left edge of the axes (with `end`, the right one), y below their top."""
    axes.annotate(
        text,
        xy=(1 if end else 0, y),
        xycoords=("axes fraction", "data"),
        xytext=(x, 0),
        textcoords="offset points",
        va="center",
        ha="right" if right else "left",
        fontsize=TEXT_SIZE if weight == "bold" else SMALL,
        fontweight=weight,
        color=colour(role),
        annotation_clip=False,
    )
