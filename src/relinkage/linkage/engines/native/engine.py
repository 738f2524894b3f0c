"""The native engine: integer products in compiled code, compared where they come out."""

import ctypes
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.engines.native import library
from relinkage.linkage.engines.native.packing import COLUMN_PANEL, LAYOUTS, rounded, whole
from relinkage.linkage.engines.native.rounding import UNIT, Rounded, band, half_width
from relinkage.linkage.engines.portable import Portable
from relinkage.linkage.engines.question import Floats, Mates, Question, Tally
from relinkage.linkage.strips import Strip, in_strips
from relinkage.threads import available

_STRIP_BYTES = {"avx2": 2**18, "vnni": 2**20, "amx": 2**20}
"""Packed rows of a strip, which pass by every chunk of columns: half of the second-level cache, about."""

_TOP = 2**31 - 1
_PROBED, _PROBE_PAYS = 96, 40
"""Rows that are tried first, and how many times as many there must be for that to pay."""
_MOST_OPEN = 0.1
"""Comparisons that may be left to float64; beyond, single precision with its narrower band is quicker."""


class Native:
    """Compiled products of what the processor does best: see `rounding` for why its counts are exact.

    Args:
        kernel: `avx2`, `vnni` or `amx`.
        emulated: plain C in the place of every special instruction, for tests.
    """

    name = "native"

    def __init__(self, kernel: str, *, emulated: bool = False) -> None:
        self.kernel, self._emulated = kernel, emulated

    @cached_property
    def _library(self) -> ctypes.CDLL:
        compiled = library.load(self._emulated)
        # Asking also lets the system keep tiles for this process; without, they are illegal instructions.
        if not self._emulated and not compiled.supported(library.KERNELS.index(self.kernel)):
            raise RuntimeError(f"this processor has no {self.kernel}")
        return compiled

    def count(self, question: Question, *, threads: int | None = None) -> Tally:
        """Answer a question; see `Engine.count`."""
        threads = threads or available()
        count = _Count(self._library, self.kernel, question, threads)
        if count.work.n > _PROBED * _PROBE_PAYS and count.open_share() > _MOST_OPEN:
            return Portable(bfloat=False).count(question, threads=threads)
        return count.run()


class _Count:
    """One question on its way: everything compiled code reads is kept here as long as it runs."""

    def __init__(self, compiled: ctypes.CDLL, kernel: str, question: Question, threads: int) -> None:
        self.compiled, self.kernel, self.question, self.threads = compiled, kernel, question, threads
        self.layout, self.tally = LAYOUTS[kernel], Tally.zeros(question)
        a, b = question.rows, question.columns
        wide = np.float64 if np.float64 in (a.given.dtype, b.given.dtype) else np.float32
        given = library.contiguous(a.given, wide), library.contiguous(b.given, wide)
        both = question.column_mates is not None
        centres = tuple(library.contiguous(centre, np.float64) for centre in question.centres)
        rows, columns = rounded(compiled, self.layout, (a, b), given, centres, both, threads)  # type: ignore[arg-type]
        self.kept: list[NDArray[Any]] = []
        self.work = library.Work(
            kernel=library.KERNELS.index(kernel), n=len(a), m=len(b),
            terms=whole(a.dimension, self.layout.terms), d=a.dimension,
            wide=wide is np.float64, levels=question.depths - 1,
            rows=self._at(rows.packed), columns=self._at(columns.packed),
            a=self._at(given[0]), b=self._at(given[1]),
            a_inverse=self._at(a.inverse_norm), b_inverse=self._at(b.inverse_norm),
            a_identity=self._at(a.identity), b_identity=self._at(b.identity),
            starts=self._at(question.starts), ends=self._at(question.ends),
        )  # fmt: skip
        self._put_bands(rows, columns)
        self._put_mates("", question.mates)
        if question.column_mates is not None:
            self._put_mates("column_", question.column_mates)
        # Levels, not depths: what is counted in a stratum is counted in the coarser ones too.
        self.above, self.ties = np.zeros_like(self.tally.above), np.zeros_like(self.tally.ties)
        self.work.above, self.work.ties = self._at(self.above), self._at(self.ties)
        self.columns: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []

    def run(self) -> Tally:
        row = self.work.terms * 2
        strip = max(1, _STRIP_BYTES[self.kernel] // (row * self.layout.height)) * self.layout.height
        in_strips(self.work.n, strip, self._worker, self.threads, "linking")
        tally = self.tally
        tally.above[:], tally.ties[:] = _by_depth(self.above), _by_depth(self.ties)
        for above, ties in self.columns:
            tally.column_above[:] += _by_depth(above)
            tally.column_ties[:] += _by_depth(ties)
        return tally

    def open_share(self) -> float:
        """Count some rows from the middle, for nothing but the share of comparisons that they leave open.

        It is large where few vectors lie very far from all others: one scale for all is then a coarse one.
        """
        work = library.Work.from_buffer_copy(self.work)
        spare = tuple(np.zeros_like(counts) for counts in vars(self.tally).values())
        work.above, work.ties, work.column_above, work.column_ties = map(library.address, spare)
        first = (work.n - _PROBED) // 2 // _PROBED * _PROBED
        settled = self.compiled.count_strip(ctypes.byref(work), first, first + _PROBED)
        return float(settled / (_PROBED * work.m))

    def _worker(self) -> Strip:
        work = library.Work.from_buffer_copy(self.work)
        if self.question.column_mates is not None:
            mine = np.zeros_like(self.tally.column_above), np.zeros_like(self.tally.column_ties)
            self.columns.append(mine)  # columns are shared by the threads, rows are not
            work.column_above, work.column_ties = (library.address(counts) for counts in mine)

        def count(first: int, stop: int) -> None:
            if self.compiled.count_strip(ctypes.byref(work), first, stop) < 0:
                raise MemoryError("there is no memory left to count a strip of rows in")

        return count

    def _at(self, array: NDArray[Any]) -> int | None:
        array = np.ascontiguousarray(array)
        self.kept.append(array)
        return library.address(array)

    def _put_mates(self, side: str, mates: Mates) -> None:
        setattr(self.work, f"{side}mate", self._at(mates.place))
        setattr(self.work, f"{side}mate_identity", self._at(mates.identity))
        setattr(self.work, f"{side}mate_score", self._at(mates.score))

    def _put_bands(self, rows: Rounded, columns: Rounded) -> None:
        mates, asking, layout, work = self.question.mates, self.question.column_mates, self.layout, self.work
        unit = rows.step * columns.step * UNIT[layout.digits]
        height, width = layout.height, 2 * COLUMN_PANEL
        ends = band(mates.score - rows.shift, half_width(rows, columns, 0.5 * unit), unit)
        work.low, work.high = (self._padded(end, height, _TOP) for end in ends)
        work.shift = self._padded(_whole(columns.shift, unit), width, -_TOP - 1)
        if asking is None:
            return
        ends = band(asking.score, half_width(columns, rows, unit), unit)  # both shifts are rounded
        work.column_low, work.column_high = (self._padded(end, width, _TOP) for end in ends)
        work.row_shift = self._padded(_whole(rows.shift, unit), height, 0)

    def _padded(self, values: NDArray[Any], multiple: int, filling: Any) -> int | None:
        """Put values at the start of a cache line, whole blocks of them."""
        size = whole(len(values), multiple)
        space = np.full(size + 16, filling, values.dtype)
        at = -int(space.ctypes.data) % 64 // 4
        space[at : at + len(values)] = values
        self.kept.append(space)
        return library.address(space[at:])


def _whole(shift: Floats, unit: float) -> NDArray[np.int32]:
    return np.rint(shift / unit).astype(np.int32)


def _by_depth(by_level: NDArray[np.int64]) -> NDArray[np.int64]:
    """Take from each level what lies deeper."""
    deeper = np.zeros_like(by_level)
    deeper[:-1] = by_level[1:]
    return by_level - deeper
