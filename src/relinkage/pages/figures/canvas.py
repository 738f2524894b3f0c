"""The canvas: matplotlib draws, and what comes out is SVG that follows the page it stands in.

Text stays text, colours are the page's (light or dark), ids are the figure's own, and the same data give the
same bytes. Every figure is drawn twice, for a wide page and for a narrow one, so that text keeps its size.
"""

import io
import math
import re
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from xml.etree import ElementTree

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Drawing

from relinkage.pages.palette import LIGHT
from relinkage.pages.wording import one_line

WIDE, NARROW = 720, 400
"""Widths of the two drawings in CSS pixels."""

TEXT_SIZE, SMALL = 13.0, 12.0

_turn = threading.Lock()
_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"

# Roles that share a colour on paper need codes of their own, or the dark page could not tell them apart.
_CODES = {role: f"#{position:06x}" for position, role in enumerate(LIGHT, start=1)}
_ROLES = {code: role for role, code in _CODES.items()}


@dataclass(frozen=True)
class Figure:
    """A figure and everything that a page says about it.

    Attributes:
        key: its name within a report: letters, digits and hyphens.
        title: what it shows.
        takeaway: what to take away, one sentence made from the data.
        alt: what a reader who cannot see it is told.
        wide: the SVG element for a wide page.
        narrow: the SVG element for a narrow one.
        columns: heads of the data table, so that no number is only in the picture.
        rows: its cells.
    """

    key: str
    title: str
    takeaway: str
    alt: str
    wide: str
    narrow: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Sheet:
    """One drawing surface.

    Attributes:
        drawing: the matplotlib figure, one unit of its inches being 72 CSS pixels.
        width: CSS pixels.
        height: CSS pixels.
    """

    drawing: Drawing
    width: int
    height: int

    @property
    def narrow(self) -> bool:
        """Whether this is the drawing for a narrow page."""
        return self.width == NARROW

    def axes(self, *, left: float, right: float, top: float, bottom: float) -> Axes:
        """Add axes, margins in CSS pixels, with the look that all figures share."""
        w, h = self.width, self.height
        axes = self.drawing.add_axes((left / w, bottom / h, (w - left - right) / w, (h - top - bottom) / h))
        for side in ("left", "right", "top"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(colour("muted"))
        axes.spines["bottom"].set_linewidth(0.8)
        axes.tick_params(length=0, pad=7, labelsize=SMALL, labelcolor=colour("muted"))
        axes.grid(True, axis="y", color=colour("rule"), linewidth=0.8)
        axes.set_axisbelow(True)
        return axes


def colour(role: str) -> str:
    """Give the stand-in that a drawing uses for a role of the palette; the page puts its own colour there."""
    return _CODES[role]


def drawn(key: str, height: tuple[int, int], paint: Callable[[Sheet], None]) -> tuple[str, str]:
    """Draw a figure for a wide and for a narrow page.

    Args:
        key: prefix of the ids in the drawing, unique on the page.
        height: CSS pixels of the wide and of the narrow drawing.
        paint: draws on the sheet it is given.

    Returns:
        Two `<svg>` elements, without a namespace declaration, for use within HTML.
    """
    pictures = []
    for width, tall, suffix in ((WIDE, height[0], "w"), (NARROW, height[1], "n")):
        with _style():
            drawing = Drawing(figsize=(width / 72, tall / 72), dpi=72)
            FigureCanvasSVG(drawing)
            paint(Sheet(drawing, width, tall))
            buffer = io.StringIO()
            nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
            drawing.savefig(buffer, format="svg", metadata=nothing, transparent=True)
        pictures.append(_for_page(buffer.getvalue(), f"{key}-{suffix}", width, tall))
    return pictures[0], pictures[1]


def standalone(figure: Figure) -> str:
    """Give the wide drawing as an SVG file of its own, in the colours of paper."""
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" font-family="sans-serif" '
        'style="background: #ffffff"'
    )
    title, description = ElementTree.Element("title"), ElementTree.Element("desc")
    title.text, description.text = f"{figure.title}. {figure.takeaway}", figure.alt
    told = "".join(ElementTree.tostring(part, encoding="unicode") for part in (title, description))
    body = figure.wide.removeprefix("<svg")
    start = body.index(">") + 1
    return f"{head}{body[:start]}{told}{body[start:]}\n"


def label_ends(axes: Axes, ends: Sequence[tuple[float, str, str]], gap: float = 16.0) -> None:
    """Write labels at the right edge of the axes, each beside its line, moved apart where they would touch.

    Call it after the limits of the axes are set.

    Args:
        axes: where.
        ends: the line's last y value in data coordinates, the text, and the role of its colour.
        gap: smallest distance between labels, in CSS pixels.
    """
    tall = axes.bbox.height
    heights = [
        float(axes.transAxes.inverted().transform(axes.transData.transform((1, y)))[1]) for y, _, _ in ends
    ]
    wanted = [min(max(h, 0.0), 1.0) * tall for h in heights]
    for (_, text, role), y in zip(ends, _spread(wanted, gap, tall), strict=True):
        axes.annotate(
            one_line(text),
            xy=(1, y / tall),
            xycoords="axes fraction",
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color=colour(role),
            annotation_clip=False,
        )


def log_ticks(low: float, high: float) -> list[float]:
    """Give round tick values within [low, high] of a log axis: decades, or 1-2-5 where those are few."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for steps in ((1,), (1, 3), (1, 2, 5)):
        ticks = [s * 10.0**e for e in range(first, last + 1) for s in steps]
        ticks = [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]
        if len(ticks) >= 3:
            break
    return ticks


def _spread(wanted: Sequence[float], gap: float, tall: float) -> list[float]:
    """Move positions apart to at least `gap`, in the order they have, within [0, tall] as far as it goes."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    clusters: list[tuple[list[int], float]] = []
    for i in order:
        members, centre = [i], wanted[i]
        while clusters and centre - gap * (len(members) - 1) / 2 < (
            clusters[-1][1] + gap * (len(clusters[-1][0]) - 1) / 2 + gap
        ):
            before, _ = clusters.pop()
            members = before + members
            half = gap * (len(members) - 1) / 2
            centre = sum(wanted[m] for m in members) / len(members)
            centre = max(min(centre, tall - half), half)
        clusters.append((members, centre))
    placed = [0.0] * len(wanted)
    for members, centre in clusters:
        for rank, i in enumerate(members):
            placed[i] = centre + gap * (rank - (len(members) - 1) / 2)
    return placed


@contextmanager
def _style() -> Iterator[None]:
    with (
        _turn,  # matplotlib's settings and the filters of warnings belong to the whole process
        warnings.catch_warnings(),
        matplotlib.rc_context(
            {
                "svg.fonttype": "none",
                "svg.hashsalt": "relinkage",
                "text.parse_math": False,
                "text.color": colour("ink"),
                "axes.labelcolor": colour("muted"),
                "font.family": "DejaVu Sans",
                "font.size": TEXT_SIZE,
                "axes.labelsize": SMALL,
            }
        ),
    ):
        # The page's own fonts draw the text; the one used to measure it need not hold every sign.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def _for_page(svg: str, prefix: str, width: int, height: int) -> str:
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == f"{_SVG}metadata" or child.find(f"{_SVG}style") is not None:
                parent.remove(child)
    used = set(re.findall(r"(?:#|url\(#)([\w.]+)", svg))
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        name = element.attrib.pop("id", None)
        if name in used and element.tag != "g":
            element.set("id", f"{prefix}-{name}")
        if _LINK in element.attrib:
            element.set("href", f"#{prefix}-{element.attrib.pop(_LINK).removeprefix('#')}")
        if "clip-path" in element.attrib:
            element.set("clip-path", element.attrib["clip-path"].replace("url(#", f"url(#{prefix}-"))
        if "style" in element.attrib:
            element.set("style", _page_style(element.attrib["style"]))
        if "d" in element.attrib:
            element.set("d", " ".join(element.attrib["d"].split()))
        if element.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]
        element.tail = None
        if element.tag != "text":
            element.text = None
    root.attrib = {"viewBox": f"0 0 {width} {height}", "width": str(width), "height": str(height)}
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)


def _page_style(style: str) -> str:
    style = re.sub(r"\s*font-family:[^;]*;?", "", style)
    return re.sub(r"#[0-9a-f]{6}", lambda found: _page_colour(found[0]), style)


def _page_colour(code: str) -> str:
    role = _ROLES.get(code)
    return f"var(--{role}, {LIGHT[role]})" if role else code
