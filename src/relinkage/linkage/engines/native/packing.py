"""Both sides of a question rounded and packed by compiled code, on all threads."""

import ctypes
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.engines.native.library import Side, address
from relinkage.linkage.engines.native.rounding import Floats, Rounded, steps
from relinkage.linkage.strips import in_strips
from relinkage.linkage.vectors import Vectors

_STRIP = 1024
_UP = 1 + 1e-9
"""A float64 norm of d terms is right to d·2⁻⁵³ relative; one part in 10⁹ covers that and the root."""


@dataclass(frozen=True)
class Layout:
    """How a product wants its vectors: see work.h.

    Attributes:
        digits: 1 where a term is an int16, 2 where it is two int8.
        height: rows of a block.
        width: columns of a block.
        row_panel: rows of a panel.
        row_group: neighbouring terms of a row.
        column_group: neighbouring terms of a column.
        terms: what the number of terms is a multiple of.
    """

    digits: int
    height: int
    width: int
    row_panel: int
    row_group: int
    column_group: int
    terms: int


LAYOUTS = {
    "avx2": Layout(1, 6, 16, 6, 2, 2, 2),
    "vnni": Layout(1, 12, 32, 6, 2, 2, 2),
    "amx": Layout(2, 32, 16, 16, 64, 4, 64),
}
COLUMN_PANEL = 16


def whole(number: int, multiple: int) -> int:
    """Round a number up to a multiple."""
    return -(-number // multiple) * multiple


class _Measured:
    """One side between measuring and packing."""

    def __init__(self, vectors: Vectors, given: NDArray[Any], centre: Floats, other: Floats) -> None:
        n, d = given.shape
        self.norm, self.shift, self.largest, self.residue, self.low = (np.empty(n) for _ in range(5))
        self.kept = given, np.ascontiguousarray(vectors.inverse_norm), centre, other
        self.side = Side(
            n=n, d=d, wide=given.dtype == np.float64,
            given=address(given), inverse=address(self.kept[1]), centre=address(centre),
            other=address(other), norm=address(self.norm), shift=address(self.shift),
            largest=address(self.largest), residue=address(self.residue), low=address(self.low),
        )  # fmt: skip

    def run(self, function: Any, threads: int) -> None:
        in_strips(self.side.n, _STRIP, lambda: partial(function, ctypes.byref(self.side)), threads)

    def pack(self, library: ctypes.CDLL, layout: Layout, rows: bool, step: float, threads: int) -> Rounded:
        n, d, side = self.side.n, self.side.d, self.side
        panel = layout.row_panel if rows else COLUMN_PANEL
        vectors, terms = whole(n, layout.height if rows else 2 * COLUMN_PANEL), whole(d, layout.terms)
        space = np.zeros(vectors * terms + 32, np.uint16)
        packed = space[-space.ctypes.data % 64 // 2 :][: vectors * terms]  # from the start of a cache line
        side.terms, side.panel, side.group = terms, panel, layout.row_group if rows else layout.column_group
        side.digits, side.step, side.packed = layout.digits, step, address(packed)
        self.run(library.pack, threads)
        low = self.low * _UP if layout.digits == 2 else np.zeros(n)
        return Rounded(packed, self.norm * _UP, self.residue * _UP, low, self.shift, step, d)


def rounded(
    library: ctypes.CDLL,
    layout: Layout,
    vectors: tuple[Vectors, Vectors],
    given: tuple[NDArray[Any], NDArray[Any]],
    centres: tuple[Floats, Floats],
    both: bool,
    threads: int,
) -> tuple[Rounded, Rounded]:
    """Round and pack rows and columns; the shift of rows is g, that of columns h.

    Args:
        library: the compiled code.
        layout: of the product.
        vectors: rows and columns.
        given: their vectors in memory, of one type.
        centres: a₀ and c₀.
        both: columns ask too, so that g is added into the scores.
        threads: threads to use.
    """
    a, b = (
        _Measured(side, values, centre, other)
        for side, values, centre, other in zip(vectors, given, centres, centres[::-1], strict=True)
    )
    for measured in (a, b):
        measured.run(library.measure, threads)
    b.shift -= centres[0] @ centres[1]
    shifts = np.abs(b.shift).max() + (np.abs(a.shift).max() if both else 0)
    norms, largest = (a.norm.max() * _UP, b.norm.max() * _UP), (a.largest.max(), b.largest.max())
    chosen = steps(norms, largest, float(shifts), a.side.d, layout.digits)
    return (
        a.pack(library, layout, True, chosen[0], threads),
        b.pack(library, layout, False, chosen[1], threads),
    )
