"""From stored values to what a screen shows: the grayscale pipeline of DICOM PS3.3 C.11, to 8 bits."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Levels = NDArray[Any]

WHITE = 255
_INFINITE = 1e300
_TABLE = 1 << 16
"""Values up to this far apart are mapped once each and looked up: a radiograph has many more pixels."""


@dataclass(frozen=True)
class LookUp:
    """A table of DICOM (PS3.3 C.11.1.1 and C.11.2.1.1).

    Attributes:
        first: the value that the first entry belongs to; what is below takes the first entry, too.
        entries: float64, shape (entries,); values above the last take the last.
        bits: of an entry, as stated.
    """

    first: int
    entries: Floats
    bits: int

    def __call__(self, values: Levels) -> Floats:
        """Look values up: float64, of their shape."""
        places = np.clip(np.rint(values) - self.first, 0, len(self.entries) - 1)
        return self.entries[places.astype(np.intp)]


@dataclass(frozen=True)
class Window:
    """A window of interest (PS3.3 C.11.2.1.2 and C.11.2.1.3).

    Attributes:
        center: in the values that the modality transformation gives.
        width: in the same; at least 1 for `LINEAR`, above 0 for the others.
        function: `LINEAR`, `LINEAR_EXACT` or `SIGMOID`.
    """

    center: float
    width: float
    function: str = "LINEAR"

    def __call__(self, values: Levels) -> Floats:
        """Give brightness from 0 to 1: float64, of the shape of `values`."""
        if self.function == "SIGMOID":
            steep = np.clip(-4 * (values - self.center) / self.width, -700, 700)
            return np.asarray(1 / (1 + np.exp(steep)))
        center, width = self.center, self.width
        if self.function == "LINEAR":
            center, width = center - 0.5, width - 1
        if width == 0:  # LINEAR with a width of 1 is a threshold
            return np.where(values <= center, 0.0, 1.0)
        return np.clip((values - center) / width + 0.5, 0.0, 1.0)


@dataclass(frozen=True)
class Display:
    """How an image's stored values are to be shown.

    Attributes:
        modality: a table, or None for `slope` and `intercept`.
        slope: of the rescaling; not 0.
        intercept: of the rescaling.
        voi: a table, a window, or None: then the darkest value is black and the brightest is white.
        inverted: whether high values are dark (MONOCHROME1).
        padding: lowest and highest stored value that mark where there is no image, or None. They are shown
            black (PS3.3 C.7.5.1.1.2) and do not count as darkest or brightest.
    """

    modality: LookUp | None = None
    slope: float = 1.0
    intercept: float = 0.0
    voi: LookUp | Window | None = None
    inverted: bool = False
    padding: tuple[float, float] | None = None


def shown(stored: Levels, display: Display) -> NDArray[np.uint8]:
    """Map stored values to what a screen shows.

    Args:
        stored: integers or floats, shape (rows, columns); what is not a finite number is shown as padding is.
        display: how they are to be shown.

    Returns:
        uint8 of that shape, 0 black and 255 white.
    """
    whole = stored.dtype.kind != "f"
    low, high = (int(stored.min()), int(stored.max())) if whole else (0, _TABLE)
    if high - low < _TABLE:
        levels: Levels = np.arange(low, high + 1, dtype=np.int64)
        places: Levels = np.subtract(stored, low, dtype=np.int64).astype(np.uint16)
        present = np.ones(len(levels), np.bool_)
        if display.voi is None:
            present = np.bincount(places.ravel(), minlength=len(levels)) > 0
    else:
        known = stored if whole else np.where(np.abs(stored) < _INFINITE, stored, np.nan)
        levels, places = np.unique(known, return_inverse=True)
        places, present = places.reshape(stored.shape), np.ones(len(levels), np.bool_)
    return _brightness(levels, present, display)[places]


def _brightness(levels: Levels, present: NDArray[np.bool_], display: Display) -> NDArray[np.uint8]:
    """Map each level, uint8; `present` says which of them the image has."""
    outside = np.isnan(levels)
    levels = np.where(outside, 0, levels)
    if display.padding is not None:
        outside |= (levels >= display.padding[0]) & (levels <= display.padding[1])
    if display.modality is not None:
        values = display.modality(levels)
    else:
        values = levels * np.float64(display.slope) + display.intercept
    if isinstance(display.voi, Window):
        light = display.voi(values)
    elif display.voi is not None:
        light = np.clip(display.voi(values) / _white_level(display.voi), 0.0, 1.0)
    else:
        inside = values[present & ~outside]
        low, high = (inside.min(), inside.max()) if len(inside) else (0.0, 0.0)
        light = np.clip((values - low) / max(high - low, np.finfo(np.float64).tiny), 0.0, 1.0)
    if display.inverted:
        light = 1 - light
    return np.where(outside, 0, np.rint(light * WHITE)).astype(np.uint8)


def _white_level(table: LookUp) -> float:
    """Give the entry that is white: all stated bits set, or all that the entries need where that is fewer.

    Some devices state 16 bits for tables of 10 or 12, which would leave the image black.
    """
    needed = max(int(table.entries.max()), 1).bit_length()
    return float((1 << min(max(table.bits, 1), needed)) - 1)
