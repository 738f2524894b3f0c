"""The drawing surface: coordinates of a posed patient, soft masks, thin strokes, and the detector.

Grey values are float32 in 0 (air, black) to 1 (metal, white) until `expose` turns them into bytes.
Coordinates run from −1 to 1; x grows to the right of the image (the patient's left), y grows downwards.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from relinkage.cohorts.phantom.site import Site

SIZE = 128
"""Width and height of every phantom image, in pixels."""

Plane = NDArray[np.floating[Any]]
"""Float32, shape (SIZE, SIZE); Python numbers leave it so."""
Point = tuple[float, float]

_OVERSAMPLED = 2
_AXIS = ((np.arange(SIZE, dtype=np.float32) + 0.5) * (2 / SIZE) - 1).astype(np.float32)
_COARSE = 16
_KNOTS = np.linspace(-1, 1, _COARSE, dtype=np.float32)
_SPREAD = np.exp(-((_AXIS[:, None] - _KNOTS[None, :]) ** 2) / (2 * 0.09**2)).astype(np.float32)


@dataclass(frozen=True)
class Pose:
    """How a patient happens to stand before the detector: a small turn, shift and magnification."""

    turn: float
    shift: Point
    scale: float

    @classmethod
    def sample(cls, rng: np.random.Generator) -> "Pose":
        """Sample a pose."""
        turn, right, down, scale = rng.standard_normal(4)
        return cls(0.03 * float(turn), (0.03 * float(right), 0.03 * float(down)), 1 + 0.025 * float(scale))

    def grid(self) -> tuple[Plane, Plane]:
        """Give the patient's coordinates x and y at every pixel."""
        cos, sin = math.cos(self.turn) / self.scale, math.sin(self.turn) / self.scale
        across, down = _AXIS - self.shift[0], _AXIS - self.shift[1]
        x = cos * across[None, :] + sin * down[:, None]
        y = cos * down[:, None] - sin * across[None, :]
        return x, y

    def pixel(self, point: Point) -> Point:
        """Give the pixel, on the oversampled grid, of a point in the patient's coordinates."""
        cos, sin = math.cos(self.turn) * self.scale, math.sin(self.turn) * self.scale
        across = cos * point[0] - sin * point[1] + self.shift[0]
        down = sin * point[0] + cos * point[1] + self.shift[1]
        half = SIZE * _OVERSAMPLED / 2
        return (across + 1) * half, (down + 1) * half


def ramp(distance: Plane, width: float) -> Plane:
    """Give 0 outside (negative distance) and 1 inside, with a linear edge of the given width."""
    mask = distance * (1 / width)
    mask += 0.5
    return np.clip(mask, 0, 1, out=mask)


def blend(image: Plane, mask: Plane, grey: float) -> None:
    """Move the image towards a grey value where the mask is, in place."""
    image += (grey - image) * mask


def ellipse(x: Plane, y: Plane, centre: Point, radii: Point) -> Plane:
    """Give a distance that is 1 at the centre, 0 on the ellipse and negative outside."""
    u = (x - centre[0]) * (1 / radii[0])
    v = (y - centre[1]) * (1 / radii[1])
    u *= u
    v *= v
    u += v
    return 1 - np.sqrt(u, out=u)


def blob(x: Plane, y: Plane, centre: Point, radii: Point) -> Plane:
    """Give a bump that is 1 at the centre and falls smoothly to 0 a little outside the radii."""
    u = (x - centre[0]) * (1 / radii[0])
    v = (y - centre[1]) * (1 / radii[1])
    u *= u
    v *= v
    u += v
    u *= -0.7
    return np.exp(u, out=u)


def clouds(rng: np.random.Generator) -> Plane:
    """Give a smooth random field with mean 0 and a standard deviation of about 1."""
    coarse = rng.standard_normal((_COARSE, _COARSE), dtype=np.float32)
    return (_SPREAD @ coarse @ _SPREAD.T) * 0.6


class Overlay:
    """Thin bright lines and dots, drawn at twice the resolution and laid over the image at once."""

    def __init__(self, pose: Pose) -> None:
        self._pose = pose
        self._layer = Image.new("L", (SIZE * _OVERSAMPLED, SIZE * _OVERSAMPLED))
        self._draw = ImageDraw.Draw(self._layer)
        self._used = False

    def line(self, points: Sequence[Point], width: float, grey: float) -> None:
        """Draw a polyline; the width is in image pixels."""
        self._used = True
        pixels = [self._pose.pixel(point) for point in points]
        self._draw.line(pixels, round(255 * grey), max(1, round(width * _OVERSAMPLED)))

    def shape(self, points: Sequence[Point], grey: float) -> None:
        """Draw a filled polygon."""
        self._used = True
        self._draw.polygon([self._pose.pixel(point) for point in points], round(255 * grey))

    def onto(self, image: Plane) -> None:
        """Brighten the image by what was drawn, in place."""
        if self._used:
            layer = np.asarray(self._layer.reduce(_OVERSAMPLED), dtype=np.float32) * (1 / 255)
            image += (1 - image) * layer


def expose(image: Plane, site: Site, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Turn grey values into bytes as the site's detector would: exposure, display curve, noise.

    Returns:
        uint8, shape (SIZE, SIZE).
    """
    exposure = site.exposure[0] + site.exposure[1] * float(rng.standard_normal())
    gamma = max(site.gamma[0] + site.gamma[1] * float(rng.standard_normal()), 0.5)
    np.clip(image, 0.001, 1, out=image)
    np.power(image, gamma, out=image)
    image *= 255 * exposure
    image += 255 * site.noise * rng.standard_normal(image.shape, dtype=np.float32)
    return np.clip(image, 0, 255, out=image).astype(np.uint8)
