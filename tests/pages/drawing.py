"""Reads a figure back: where its lines, dots and words stand, in CSS pixels and in the units of its axes."""

import re
from dataclasses import dataclass
from functools import cached_property
from xml.etree import ElementTree

import numpy as np


@dataclass(frozen=True)
class Stroke:
    """A line: its colour's role, whether it is dashed or dotted, its width and its points."""

    role: str
    dashed: bool
    width: float
    points: np.ndarray


@dataclass(frozen=True)
class Drawing:
    """An SVG of the report."""

    svg: str

    @cached_property
    def root(self):
        return ElementTree.fromstring(self.svg)

    @cached_property
    def strokes(self):
        found = []
        for path in self.root.iter("path"):
            style = path.get("style", "")
            role = re.search(r"stroke: var\(--([\w-]+)", style)
            if role and "fill: none" in style:
                numbers = [float(x) for x in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", path.get("d"))]
                width = float((re.search(r"stroke-width: ([\d.]+)", style) or [0, 1])[1])
                dashed = "stroke-dasharray" in style
                found.append(Stroke(role[1], dashed, width, np.reshape(numbers, (-1, 2))))
        return found

    def lines(self, role, *, dashed=False, least=3):
        """Lines of a role with at least so many points, in the order drawn."""
        return [
            s.points for s in self.strokes if s.role == role and s.dashed == dashed and len(s.points) >= least
        ]

    def bars(self, role, width):
        """Straight pieces of a role and a width."""
        return [s.points for s in self.strokes if s.role == role and s.width == width and len(s.points) == 2]

    def dots(self, role):
        """Centres of the markers of a role, in the order drawn."""
        placed = ((use, use.get("style", "")) for use in self.root.iter("use"))
        # What is seen through is a band.
        marks = [use for use, style in placed if f"fill: var(--{role}," in style and "opacity" not in style]
        return np.array([(float(mark.get("x")), float(mark.get("y"))) for mark in marks])

    @cached_property
    def words(self):
        """Every text with all the places where it stands."""
        found = {}
        for text in self.root.iter("text"):
            place = (float(text.get("x")), float(text.get("y")))
            found.setdefault(text.text.replace("\N{NO-BREAK SPACE}", " "), []).append(place)
        return found

    def across(self, low, high):
        """Give the map from pixels to a logarithmic axis across, from two of its marks, `1 %` and `10 %`."""
        # The marks of the axis across stand lower than those of the axis upwards.
        x0, x1 = (max(self.words[name], key=lambda place: place[1])[0] for name in (low, high))
        slope = np.log(share(high) / share(low)) / (x1 - x0)
        return lambda x: share(low) * np.exp(slope * (np.asarray(x) - x0))

    def upwards(self, low, high):
        """Give the map from pixels to an axis of log-odds, from two of its marks and the grid beside them."""
        grid = [
            s.points[0, 1] for s in self.strokes if s.role == "rule" and s.points[0, 1] == s.points[-1, 1]
        ]
        marks = [min(self.words[name])[1] - 4 for name in (low, high)]
        y0, y1 = (min(grid, key=lambda y: abs(y - mark)) for mark in marks)
        odds = [np.log(share(name) / (1 - share(name))) for name in (low, high)]
        slope = (odds[1] - odds[0]) / (y1 - y0)
        return lambda y: 1 / (1 + np.exp(-(odds[0] + slope * (np.asarray(y) - y0))))


def share(name):
    """Read a mark: `1 %` is 0.01."""
    return float(name.removesuffix(" %")) / 100
