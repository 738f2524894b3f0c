"""The engine that runs wherever numpy and numba do: single-precision tiles, counted while in cache."""

import threading
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relinkage.errors import InputError
from relinkage.linkage.engines import tiles
from relinkage.linkage.engines.bands import bands, half_width
from relinkage.linkage.engines.centred import centre
from relinkage.linkage.engines.products import WrongProductError
from relinkage.linkage.engines.question import Question, Tally
from relinkage.linkage.engines.sweep import Count, sweep

_BFLOAT_PAYS = 384
"""Width of vectors from which on a quicker product makes up for the pairs that a wider band leaves open."""


@cache
def multiplies_bfloat() -> bool:
    """Say whether the processor has matrix instructions for bfloat16 (Linux says which it has)."""
    try:
        known = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return False
    return bool(known & {"amx_bf16", "avx512_bf16"})


class Portable:
    """Matrix products in float32 or bfloat16, counted by compiled loops.

    Args:
        bfloat: multiply in bfloat16; where that is quicker if not given.
    """

    name = "cpu"

    def __init__(self, *, bfloat: bool | None = None) -> None:
        self._bfloat = bfloat

    def count(self, question: Question, *, threads: int | None = None) -> Tally:
        """Answer a question; see `Engine.count`.

        Raises:
            InputError: products of single precision are not what the bands rest on.
        """
        bfloat = self._bfloat
        if bfloat is None:
            bfloat = question.rows.dimension >= _BFLOAT_PAYS and multiplies_bfloat()
        if bfloat:
            # A product that is wrong here may still be right in float32.
            with suppress(WrongProductError):
                return _count(question, threads, bfloat=True)
        try:
            return _count(question, threads, bfloat=False)
        except WrongProductError:
            raise InputError(
                "numpy's products in single precision are less exact here than exact counts allow for; "
                "install numpy with another BLAS, or count on another machine."
            ) from None


def _count(question: Question, threads: int | None, *, bfloat: bool) -> Tally:
    a, b, mates = question.rows, question.columns, question.mates
    row_centre, column_centre = question.centres
    rows = centre(a, row_centre, column_centre, bfloat=bfloat)
    columns = centre(b, column_centre, row_centre, bfloat=bfloat)
    column_shift = columns.shift - row_centre @ column_centre
    threshold = mates.score - rows.shift
    low, high = bands(threshold, half_width(rows, columns, column_shift, threshold, bfloat=bfloat))
    tally, own = Tally.zeros(question), [Tally.zeros(question)]
    arguments = (
        column_shift.astype(np.float32), low, high, question.starts, question.ends,
        a.given, a.inverse_norm, b.given, b.inverse_norm, b.identity,
        mates.place, mates.identity, mates.score, tally.above, tally.ties,
    )  # fmt: skip
    asking = question.column_mates
    if asking is None:

        def count(tile: NDArray[np.float32], row: int, column: int) -> None:
            tiles.count_rows(tile, row, column, *arguments)

        sweep(rows.values, columns.values, lambda: count, threads=threads, bfloat=bfloat)
        return tally

    threshold = asking.score - column_shift
    column_low, column_high = bands(
        threshold, half_width(columns, rows, rows.shift, threshold, bfloat=bfloat)
    )
    column_arguments = (
        rows.shift.astype(np.float32), column_low, column_high, a.identity,
        asking.place, asking.identity, asking.score,
    )  # fmt: skip
    turn = threading.Lock()

    def counter() -> Count:
        mine = Tally.zeros(question)  # columns are shared by the threads, rows are not
        with turn:
            own.append(mine)

        def count(tile: NDArray[np.float32], row: int, column: int) -> None:
            tiles.count_rows_and_columns(
                tile, row, column, *arguments, *column_arguments, mine.column_above, mine.column_ties
            )

        return count

    sweep(rows.values, columns.values, counter, threads=threads, bfloat=bfloat)
    for part in own:
        tally.column_above[:] += part.column_above
        tally.column_ties[:] += part.column_ties
    return tally
