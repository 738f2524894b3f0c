"""The blocked matrix product: every tile is handed on while it is in cache, then overwritten."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from relinkage.linkage.engines.strips import Strip, in_strips

TILE_ROWS, TILE_COLUMNS = 512, 1024
"""A tile of 2 MB: large enough for the matrix product, small enough to be counted while it is in cache."""

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
        threads: threads to use; all that torch may use where not given.
        what: the name of the work on the progress bar.
        bfloat: let the product round its terms to bfloat16 where that is quicker.
    """
    a, b = torch.from_numpy(rows), torch.from_numpy(columns)

    def worker() -> Strip:
        buffer = torch.empty(TILE_ROWS * TILE_COLUMNS, dtype=torch.float32)
        count = counter()

        def take(start: int, stop: int) -> None:
            strip = a[start:stop]
            for column in range(0, len(b), TILE_COLUMNS):
                block = b[column : column + TILE_COLUMNS]
                tile = buffer[: len(strip) * len(block)].view(len(strip), len(block))
                torch.mm(strip, block.T, out=tile)
                count(tile.numpy(), start, column)

        return take

    with _precision(bfloat), one_torch_thread() as available:
        in_strips(len(rows), TILE_ROWS, worker, threads or available, what)


@contextmanager
def _precision(bfloat: bool) -> Iterator[None]:
    """Say what products are made of, whatever the calling program prefers: the error band holds for that."""
    product = getattr(torch.backends.mkldnn, "matmul", None)
    if product is None:  # torch before 2.9 has one switch for all backends
        precision = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("medium" if bfloat else "highest")
    else:  # there the switch for all cannot be read where a program has set a backend's own
        precision, product.fp32_precision = product.fp32_precision, "bf16" if bfloat else "ieee"
    try:
        yield
    finally:
        if product is None:
            torch.set_float32_matmul_precision(precision)
        else:
            product.fp32_precision = precision


_turn = threading.Lock()
_inside: list[int] = []


@contextmanager
def one_torch_thread() -> Iterator[int]:
    """Let every worker multiply with one torch thread of its own; give how many threads torch may use.

    Several may be inside at once; the last one out restores what the first one found.
    """
    with _turn:
        threads = _inside[0] if _inside else torch.get_num_threads()
        _inside.append(threads)
        torch.set_num_threads(1)
    try:
        yield threads
    finally:
        with _turn:
            _inside.pop()
            if not _inside:
                torch.set_num_threads(threads)
