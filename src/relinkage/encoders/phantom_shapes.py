"""A world without medicine: drawn shapes and captions, for training `phantom:general`.

It stands for what a general encoder such as CLIP has seen. Its captions share a few words with reports
(left, right, small, large), and its images share nothing with radiographs but grey values.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

_SIZE = 128
_Kind = Literal["circle", "square", "triangle", "cross", "ring", "bar"]
_KINDS: tuple[_Kind, ...] = ("circle", "square", "triangle", "cross", "ring", "bar")
_ROWS = (("upper", 28), ("middle", 64), ("lower", 100))
_COLUMNS = (("left", 28), ("centre", 64), ("right", 100))
_RADII = (("tiny", 7), ("small", 12), ("large", 20))
_SHADES = (("black", 15), ("dark", 70), ("pale", 190), ("white", 245))


def draw_shapes(rng: np.random.Generator) -> tuple[NDArray[np.uint8], str]:
    """Draw one to four shapes at different places.

    Returns:
        The image, uint8, shape (128, 128), and its caption.
    """
    ground = int(rng.integers(100, 160))
    image = Image.new("L", (_SIZE, _SIZE), ground)
    draw = ImageDraw.Draw(image)
    phrases = []
    for place in rng.permutation(9)[: rng.integers(1, 5)]:
        (row, y), (column, x) = _ROWS[place // 3], _COLUMNS[place % 3]
        shape = _KINDS[rng.integers(len(_KINDS))]
        (size, radius), (shade, grey) = _RADII[rng.integers(3)], _SHADES[rng.integers(4)]
        left, top = rng.integers(-7, 8, 2)
        _draw_shape(draw, shape, (x + int(left), y + int(top)), radius, grey)
        phrases.append(f"a {size} {shade} {shape} at the {row} {column}")
    noise = rng.normal(0, 8, (_SIZE, _SIZE))
    pixels = np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8)
    return pixels, f"{', '.join(phrases)}."


def _draw_shape(
    draw: ImageDraw.ImageDraw, shape: _Kind, centre: tuple[int, int], radius: int, grey: int
) -> None:
    x, y = centre
    box = (x - radius, y - radius, x + radius, y + radius)
    third = radius // 3
    match shape:
        case "circle":
            draw.ellipse(box, fill=grey)
        case "square":
            draw.rectangle(box, fill=grey)
        case "triangle":
            draw.polygon([(x, y - radius), (x + radius, y + radius), (x - radius, y + radius)], fill=grey)
        case "cross":
            draw.rectangle((x - radius, y - third, x + radius, y + third), fill=grey)
            draw.rectangle((x - third, y - radius, x + third, y + radius), fill=grey)
        case "ring":
            draw.ellipse(box, outline=grey, width=max(2, third))
        case "bar":
            draw.rectangle((x - radius, y - third, x + radius, y + third), fill=grey)
