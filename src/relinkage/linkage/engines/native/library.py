"""The shared library, loaded: its records and functions as Python sees them."""

import ctypes
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.engines.native import building

KERNELS = ("avx2", "vnni", "amx")
"""The products in the order of work.h."""
EMULATED = ("-DRELINKAGE_EMULATE", "-O2", "-Wno-psabi")

_NUMBER, _REAL, _PLACE = ctypes.c_int64, ctypes.c_double, ctypes.c_void_p


class Side(ctypes.Structure):
    """One side that is being rounded and packed; the record of prepare.c."""

    _fields_ = (
        *((name, _NUMBER) for name in ("n", "d", "wide", "terms", "panel", "group", "digits")),
        *((name, _PLACE) for name in ("given", "inverse", "centre", "other")),
        *((name, _PLACE) for name in ("norm", "shift", "largest", "residue", "low")),
        ("step", _REAL),
        ("packed", _PLACE),
    )


class Work(ctypes.Structure):
    """A question ready to be counted; the record of work.h."""

    _fields_ = (
        *((name, _NUMBER) for name in ("kernel", "n", "m", "terms", "d", "wide", "levels")),
        *((name, _PLACE) for name in ("rows", "columns", "shift", "low", "high")),
        *((name, _PLACE) for name in ("row_shift", "column_low", "column_high", "starts", "ends")),
        *((name, _PLACE) for name in ("a", "b", "a_inverse", "b_inverse", "a_identity", "b_identity")),
        *((name, _PLACE) for name in ("mate", "mate_identity", "mate_score")),
        *((name, _PLACE) for name in ("column_mate", "column_mate_identity", "column_mate_score")),
        *((name, _PLACE) for name in ("above", "ties", "column_above", "column_ties")),
    )


def address(array: NDArray[Any] | None) -> int | None:
    """Give where an array lies, for a record; the caller keeps the array alive."""
    if array is None:
        return None
    if not array.flags.c_contiguous:
        raise ValueError("arrays that compiled code reads must be contiguous")
    return int(array.ctypes.data)


def contiguous(array: NDArray[Any], dtype: type[Any]) -> NDArray[Any]:
    """Give the array in one piece and of one type, as it is where it can be."""
    return np.ascontiguousarray(array, dtype=dtype)


@cache
def load(emulated: bool = False) -> ctypes.CDLL:
    """Load the library; its calls let other Python threads run.

    Args:
        emulated: the build in which plain C stands in for every special instruction, for tests.

    Raises:
        building.BuildError: it cannot be built, or what was built cannot be loaded.
    """
    try:
        found = ctypes.CDLL(str(building.library(EMULATED if emulated else ())))
    except OSError as failure:
        raise building.BuildError("what was compiled cannot be loaded") from failure
    found.supported.argtypes, found.supported.restype = [ctypes.c_int], ctypes.c_int
    found.measure.argtypes, found.measure.restype = [ctypes.POINTER(Side), _NUMBER, _NUMBER], None
    found.pack.argtypes, found.pack.restype = [ctypes.POINTER(Side), _NUMBER, _NUMBER], None
    found.count_strip.argtypes, found.count_strip.restype = (
        [ctypes.POINTER(Work), _NUMBER, _NUMBER],
        _NUMBER,
    )
    return found
