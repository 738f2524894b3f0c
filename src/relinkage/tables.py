"""Tables on disk, by the very name that was given: the one place where files of rows are opened and written.

polars takes `[1]`, `*` and `?` in a path for patterns, and a leading `~` for the home folder: another file
than the one that was named would be read, without a word. Here a path is a path.
"""

from pathlib import Path
from typing import Any

import polars as pl

BROKEN = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
"""What polars raises about a file that cannot be read."""


def scan_parquet(path: Path) -> pl.LazyFrame:
    """Return the rows of a Parquet file, to be read as they are asked for."""
    return pl.scan_parquet(path.absolute(), glob=False, hive_partitioning=False)


def read_parquet(path: Path) -> pl.DataFrame:
    """Return the rows of a Parquet file."""
    return pl.read_parquet(path.absolute(), glob=False, hive_partitioning=False)


def parquet_schema(path: Path) -> dict[str, pl.DataType]:
    """Return the columns of a Parquet file with their types."""
    with path.open("rb") as file:
        return dict(pl.read_parquet_schema(file))


def parquet_metadata(path: Path) -> dict[str, str]:
    """Return what a Parquet file says of itself beside its columns."""
    with path.open("rb") as file:
        return pl.read_parquet_metadata(file)


def scan_arrow(path: Path) -> pl.LazyFrame:
    """Return the rows of an Arrow file, to be read as they are asked for."""
    return pl.scan_ipc(path.absolute(), glob=False, hive_partitioning=False)


def read_arrow_stream(path: Path) -> pl.DataFrame:
    """Return the rows of an Arrow stream."""
    with path.open("rb") as file:
        return pl.read_ipc_stream(file)


def scan_csv(path: Path) -> pl.LazyFrame:
    """Return the rows of a CSV file as strings, to be read as they are asked for."""
    return pl.scan_csv(path.absolute(), infer_schema=False, glob=False)


def read_csv(source: Path | bytes, **choices: Any) -> pl.DataFrame:
    """Return the rows of a CSV file, or of its content, as strings.

    Args:
        source: the file or its content.
        **choices: further arguments of `polars.read_csv`.
    """
    if isinstance(source, Path):
        source, choices = source.absolute(), {**choices, "glob": False}
    return pl.read_csv(source, infer_schema=False, **choices)


def write_parquet(rows: pl.DataFrame, path: Path) -> None:
    """Write rows as a Parquet file."""
    rows.write_parquet(path.absolute())


def write_csv(rows: pl.DataFrame, path: Path) -> None:
    """Write rows as a CSV file."""
    rows.write_csv(path.absolute())
