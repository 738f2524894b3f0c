"""The blocked matrix product: every tile is handed on while it is in cache, then overwritten."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.engines.products import TILE_COLUMNS, TILE_ROWS, InBfloat16, InFloat32, Products, check
from relinkage.linkage.strips import Strip, in_strips
from relinkage.threads import one_thread_each

Count = Callable[[NDArray[np.float32], int, int], None]
"""Takes a tile, its first row's and its first column's number."""


def sweep(
    rows: NDArray[np.float32],
    columns: NDArray[np.float32],
    counter: Callable[[], Count],
    *,
    threads: int | None = None,
    what: str = "linking",
    bfloat: bool = False,
) -> None:
    """Multiply rows by columns tile by tile, a strip of rows at a time to each thread.

    Args:
        rows: float32, shape (n, d).
        columns: float32, shape (m, d).
        counter: called once in each thread; gives the function that takes that thread's tiles.
        threads: threads to use; all that there are where not given.
        what: the name of the work on the progress bar.
        bfloat: multiply in bfloat16; rows and columns are numbers that it holds.

    Raises:
        WrongProductError: what came out is not what the bands rest on; each thread's first tile is looked at.
    """
    products: Products = InBfloat16(rows, columns) if bfloat else InFloat32(rows, columns)

    def worker() -> Strip:
        multiply, count = products.worker(), counter()
        unseen = True

        def take(start: int, stop: int) -> None:
            nonlocal unseen
            for column in range(0, len(columns), TILE_COLUMNS):
                block = slice(column, min(column + TILE_COLUMNS, len(columns)))
                tile = multiply(slice(start, stop), block)
                if unseen:
                    check(tile, rows[start:stop], columns[block], bfloat=bfloat)
                    unseen = False
                count(tile, start, column)

        return take

    with one_thread_each() as available:
        in_strips(len(rows), TILE_ROWS, worker, threads or available, what)
