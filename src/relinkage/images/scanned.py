"""Cells of tables whose format polars reads in part: Parquet, and the file format of Arrow IPC."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from relinkage.images.kept import Kept
from relinkage.images.limits import UnreadableImageError
from relinkage.tables import BROKEN, scan_arrow, scan_parquet

_RUN_BYTES = 64_000_000
_RUN_ROWS = 1024
"""What is read at once, and kept: neighbours are asked for next, and a row alone costs its whole page."""
_SIZES: Kept[int] = Kept(room=4096)
_RUNS: Kept[pl.Series] = Kept(room=4)


def parquet_cell(file: Path, column: str, row: int) -> Any:
    """Give a cell of a Parquet file.

    Args:
        file: the file.
        column: the column's name.
        row: its row, from 0.

    Raises:
        UnreadableImageError: there is no such cell, or the file is damaged.
    """
    return _cell(file, column, row, lambda: scan_parquet(file))


def arrow_file_cell(file: Path, column: str, row: int) -> Any:
    """Give a cell of an Arrow IPC file in the file format; as `parquet_cell`."""
    return _cell(file, column, row, lambda: scan_arrow(file))


def _cell(file: Path, column: str, row: int, scan: Callable[[], pl.LazyFrame]) -> Any:
    state = file.stat()
    key = (file, state.st_mtime_ns, state.st_size)
    rows = _SIZES.get(key, lambda: int(_collect(scan().select(pl.len())).item()))
    if row >= rows:
        raise UnreadableImageError("the image is missing in its table")
    length = max(1, min(_RUN_ROWS, _RUN_BYTES * rows // max(state.st_size, 1)))
    start = row - row % length

    def read() -> pl.Series:
        return _collect(scan().select(pl.col([column])).slice(start, length))[column]

    return _RUNS.get((*key, column, start), read)[row - start]


def _collect(frame: pl.LazyFrame) -> pl.DataFrame:
    try:
        return frame.collect()
    except pl.exceptions.ColumnNotFoundError:
        raise UnreadableImageError("the image is missing in its table") from None
    except BROKEN:
        raise UnreadableImageError("the image's table cannot be read") from None
