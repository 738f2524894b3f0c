"""Maps side by side: points in the plane, coloured by class, with the figures that say what they show.

A dot is a line of no length with round ends, so that a class of thousands of dots is a few paths. Classes are
drawn in turns, a part of each at a time: what is drawn last would hide the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.transforms import IdentityTransform
from numpy.typing import NDArray

from relinkage.pages.figures.canvas import SMALL, TEXT_SIZE, Sheet, colour, drawn
from relinkage.pages.wording import one_line

_TURNS = 8
_GAP, _HEAD, _LINE = 24, 26, 17
_DOTS = ((400, 5.0), (1500, 3.6), (4000, 2.8))
"""Up to so many points, dots of such a width in CSS pixels."""
_SMALLEST = 2.2


@dataclass(frozen=True, eq=False)
class Panel:
    """One map.

    Attributes:
        title: what stands over it.
        notes: lines that stand under it.
        points: float64, shape (n, 2).
    """

    title: str
    notes: tuple[str, ...]
    points: NDArray[np.float64]


@dataclass(frozen=True)
class PointClass:
    """A class of points.

    Attributes:
        name: what the legend says.
        role: the role of its colour.
        code: its number; points of other numbers are not drawn.
    """

    name: str
    role: str
    code: int


def scatter_panels(
    key: str, panels: Sequence[Panel], code: NDArray[np.int8], classes: Sequence[PointClass], caption: str
) -> tuple[str, str]:
    """Draw maps of the same points side by side, for a wide and for a narrow page.

    Args:
        key: as for `drawn`.
        panels: at least one.
        code: int8, shape (n,): the class of each point, the same in all panels.
        classes: in the order of the legend.
        caption: how much is shown, under the legend.
    """
    lines = max(len(panel.notes) for panel in panels)
    legend = (len(classes) + 1) * _LINE + 8

    def layout(width: int, narrow: bool) -> tuple[int, int, int]:
        across = 1 if narrow else min(len(panels), 2)
        side = min((width - _GAP * (across - 1)) // across, 460)
        down = -(-len(panels) // across)
        return across, side, legend + down * (_HEAD + side + lines * _LINE + _GAP)

    def paint(sheet: Sheet) -> None:
        across, side, _ = layout(sheet.width, sheet.narrow)
        _paint_legend(sheet, classes, caption)
        for place, panel in enumerate(panels):
            left = (place % across) * (side + _GAP)
            top = legend + (place // across) * (_HEAD + side + lines * _LINE + _GAP) + _HEAD
            axes = sheet.axes(
                left=left, right=sheet.width - left - side, top=top, bottom=sheet.height - top - side
            )
            _paint_panel(axes, panel, code, classes)

    heights = layout(720, False)[2], layout(400, True)[2]
    return drawn(key, heights, paint)


def _paint_legend(sheet: Sheet, classes: Sequence[PointClass], caption: str) -> None:
    said = [(f"● {one_line(entry.name, 50)}", entry.role) for entry in classes]
    for line, (text, role) in enumerate([*said, (one_line(caption, 60), "muted")]):
        height = 1 - (line + 0.5) * _LINE / sheet.height
        sheet.drawing.text(0, height, text, color=colour(role), fontsize=SMALL, va="center")


def _paint_panel(axes: Axes, panel: Panel, code: NDArray[np.int8], classes: Sequence[PointClass]) -> None:
    axes.grid(False)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color=colour("rule"), linewidth=0.8)
    low, high = panel.points.min(axis=0), panel.points.max(axis=0)
    reach = max(float((high - low).max()) / 2 * 1.04, 1e-12)
    middle = (low + high) / 2
    axes.set(xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach))
    # Pixels with one decimal: a file a third as large, and nobody sees the difference.
    pixels = np.round(axes.transData.transform(panel.points), 1)
    width = next((width for most, width in _DOTS if len(pixels) <= most), _SMALLEST)
    for turn in range(_TURNS):
        for entry in classes:
            part = pixels[(code == entry.code) & (np.arange(len(pixels)) % _TURNS == turn)]
            if len(part):
                axes.add_artist(_dots(part, width, entry.role))
    _write(axes, one_line(panel.title, 40), 1.0, 12, "ink", weight="bold")
    for number, note in enumerate(panel.notes):
        _write(axes, note, 0.0, -(12 + number * _LINE), "muted")


def _dots(pixels: NDArray[np.float64], width: float, role: str) -> PathPatch:
    vertices = np.repeat(pixels, 2, axis=0)
    codes = np.tile(np.array([Path.MOVETO, Path.LINETO], np.uint8), len(pixels))
    path = Path(vertices, codes)
    path.should_simplify = False
    return PathPatch(
        path, transform=IdentityTransform(), facecolor="none", edgecolor=colour(role), linewidth=width,
        capstyle="round", alpha=0.75, snap=False, clip_on=False,
    )  # fmt: skip


def _write(axes: Axes, text: str, y: float, up: float, role: str, weight: str = "normal") -> None:
    axes.annotate(
        text, xy=(0, y), xycoords="axes fraction", xytext=(0, up), textcoords="offset points", va="center",
        fontsize=TEXT_SIZE if weight == "bold" else SMALL, fontweight=weight, color=colour(role),
        annotation_clip=False,
    )  # fmt: skip
