"""What a DICOM data set says about how its gray values are to be shown (PS3.3 C.7.6.3, C.11.1, C.11.2)."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from relinkage.images.grayscale import Display, LookUp, Window

_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


def display_of(data: Any) -> Display:
    """Read how gray values are to be shown; what is absent or senseless is as if it were not there.

    Args:
        data: a pydicom data set with `BitsStored`, `PixelRepresentation` and `PhotometricInterpretation`.
    """
    slope, intercept = _real(data, "RescaleSlope"), _real(data, "RescaleIntercept")
    return Display(
        modality=_table(data, "ModalityLUTSequence", signed=data.PixelRepresentation == 1),
        slope=slope if slope is not None and slope != 0 else 1.0,
        intercept=intercept if intercept is not None else 0.0,
        voi=_table(data, "VOILUTSequence", signed=_below_zero(data, slope, intercept)) or _window(data),
        inverted=data.PhotometricInterpretation == "MONOCHROME1",
        padding=_padding(data),
    )


def number(data: Any, name: str, default: int, *, place: int = 0) -> int:
    """Read a whole number; of several that at `place`; `default` where it is absent or no number."""
    value = _one(data.get(name), place)
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return default


def _real(data: Any, name: str) -> float | None:
    try:
        value = float(_one(data.get(name)))
    except (TypeError, ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def _one(value: Any, place: int = 0) -> Any:
    several = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
    return (value[place] if len(value) > place else None) if several else value


def _window(data: Any) -> Window | None:
    center, width = _real(data, "WindowCenter"), _real(data, "WindowWidth")
    function = str(data.get("VOILUTFunction") or "LINEAR").strip().upper()
    function = function if function in _FUNCTIONS else "LINEAR"
    if center is None or width is None or width <= 0 or (function == "LINEAR" and width < 1):
        return None
    return Window(center, width, function)


def _below_zero(data: Any, slope: float | None, intercept: float | None) -> bool:
    """Say whether rescaled values can be negative: then a table's first value is read as signed."""
    lowest = -(1 << (data.BitsStored - 1)) if data.PixelRepresentation == 1 else 0
    return lowest * abs(slope or 1.0) + (intercept or 0.0) < 0


def _table(data: Any, name: str, *, signed: bool) -> LookUp | None:
    """Read the first table of a sequence; None where there is none, or it is damaged."""
    items = data.get(name)
    try:
        item = items[0]
        count, first, bits = (int(value) for value in item.LUTDescriptor)
        entries = _entries(item.LUTData, count or 1 << 16)  # 65,536 does not fit, and is written as 0
    except (TypeError, ValueError, AttributeError, IndexError, KeyError):
        return None
    if not len(entries):
        return None
    if signed and first >= 1 << 15:
        first -= 1 << 16
    return LookUp(first, entries, bits)


def _entries(data: Any, count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    if isinstance(data, bytes):
        eight_bit = len(data) < 2 * count
        values = np.frombuffer(data[: count if eight_bit else 2 * count], np.uint8 if eight_bit else "<u2")
    else:
        values = np.asarray(data).ravel()[:count]
    return values.astype(np.float64)


def float_padding(data: Any) -> tuple[float, float] | None:
    """Read the lowest and highest floating-point value that mark where there is no image; None without."""
    value = _real(data, "FloatPixelPaddingValue")
    if value is None:
        return None
    limit = _real(data, "FloatPixelPaddingRangeLimit")
    return min(value, value if limit is None else limit), max(value, value if limit is None else limit)


def _padding(data: Any) -> tuple[int, int] | None:
    if "PixelPaddingValue" not in data:
        return None
    span = 1 << data.BitsStored

    def meant(value: int) -> int:  # in the type of the pixels, whatever it was written as
        value %= span
        return value - span if data.PixelRepresentation == 1 and value >= span // 2 else value

    value = meant(number(data, "PixelPaddingValue", 0))
    limit = meant(number(data, "PixelPaddingRangeLimit", value))
    return min(value, limit), max(value, limit)
