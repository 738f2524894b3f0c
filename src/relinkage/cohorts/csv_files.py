"""CSV files as people have them: gzipped or not, with a byte order mark, in UTF-8 or else in Latin-1."""

import gzip
import zlib
from pathlib import Path

import polars as pl

from relinkage.errors import InputError
from relinkage.tables import BROKEN, read_csv

LARGEST = 4_000_000_000
"""Bytes of a table; a small gzipped file that claims more is a bomb."""


class CsvFile:
    """One CSV file, gzipped or not, whatever its name says."""

    def __init__(self, path: Path) -> None:
        """Open a file; a gzipped one is unpacked.

        Raises:
            InputError: it cannot be read, or unpacks to more than `LARGEST`.
        """
        self._path = path
        self._content = _unpacked(path)

    def column_names(self) -> list[str]:
        """Return the names in the header.

        Raises:
            InputError: the file is empty, or cannot be read as CSV.
        """
        return self._read(n_rows=0).columns

    def rows(self, columns: list[str] | None = None) -> pl.DataFrame:
        """Return the rows as strings, so that ids keep their leading zeros; empty cells are null.

        Args:
            columns: the columns to read; None for all.

        Raises:
            InputError: the file is empty, or cannot be read as CSV.
        """
        return self._read(columns=columns)

    def _read(self, *, columns: list[str] | None = None, n_rows: int | None = None) -> pl.DataFrame:
        source = self._path if self._content is None else self._content
        try:
            try:
                return read_csv(source, columns=columns, n_rows=n_rows)
            except pl.exceptions.ComputeError as error:
                if "utf-8" not in str(error).lower():
                    raise
                content = self._path.read_bytes() if self._content is None else self._content
                return read_csv(content.decode("latin-1").encode(), columns=columns, n_rows=n_rows)
        except pl.exceptions.NoDataError:
            raise InputError(f"{self._path} is empty; it needs a header and at least one row.") from None
        except (*BROKEN, ValueError) as error:
            raise InputError(
                f"{self._path} cannot be read as CSV ({type(error).__name__}); check the file."
            ) from None


def _unpacked(path: Path) -> bytes | None:
    """Return the bytes of a gzipped file; None for one that can be read as it is."""
    try:
        with path.open("rb") as file:
            if file.read(2) != b"\x1f\x8b":
                return None
        with gzip.open(path) as packed:
            content = packed.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read as CSV ({type(error).__name__}); check the file.") from None
    if len(content) > LARGEST:
        raise InputError(f"{path} unpacks to more than {LARGEST // 10**9} GB; check the file.")
    return content
