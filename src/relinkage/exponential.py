"""e^x inside a compiled loop, in wide instructions where x is of single precision."""

import math
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload


def exponential(x: float) -> float:
    """e^x for x ≤ 0, within 1e-7 of it relatively, where x is of single precision; libm's where of double.

    Of single precision it is e^-87 at least. The bound was tried on every number from -87 to -2⁻³⁰.

    To be called from compiled loops. libm's own is a call for each number, which keeps a loop from being
    made of wide instructions; this is 2^k e^r with |r| ≤ ln 2 / 2. (numba keeps compiled loops by their own
    file: after a change here, remove those of its callers.)
    """
    return math.exp(x)


_LOWEST = np.float32(-87)
_LOG2_E = np.float32(1.44269504)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_SERIES = tuple(np.float32(c) for c in (1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2))
_HALF, _ONE = np.float32(0.5), np.float32(1)
_EXPONENT_OF_ONE, _MANTISSA_BITS = np.int32(127), np.int32(23)


def _single(x: Any) -> Any:
    x = max(x, _LOWEST)
    k = np.int32(x * _LOG2_E - _HALF)
    r = x - np.float32(k) * _LN2_HIGH - np.float32(k) * _LN2_LOW
    series = (((_SERIES[0] * r + _SERIES[1]) * r + _SERIES[2]) * r + _SERIES[3]) * r + _SERIES[4]
    series = series * r + _SERIES[5]
    power = np.int32((k + _EXPONENT_OF_ONE) << _MANTISSA_BITS).view(np.float32)
    return (series * r * r + r + _ONE) * power


def _double(x: Any) -> Any:
    return math.exp(x)


@overload(exponential, inline="always")
def _by_precision(x: Any) -> Any:
    return _single if x == types.float32 else _double
