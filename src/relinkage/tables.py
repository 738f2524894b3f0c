"""Tables on disk, by the very name that was given: the one place where files of rows are opened and written.

polars takes `[1]`, `*` and `?` in a path for patterns, and a leading `~` for the home folder: another file
than the one that was named would be read, without a word. Here a path is a path. Nor does the ending of a
name decide: a Parquet file is known by its first bytes, the separator of a CSV file by its header.
"""

import gzip
import io
import zlib
from pathlib import Path
from typing import Any

import polars as pl

from relinkage.errors import InputError

BROKEN = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
"""What polars raises about a file that cannot be read."""
_PARQUET = b"PAR1"
_GZIP = b"\x1f\x8b"
_SEPARATORS = ",;\t|"
_LONGEST_HEADER = 2**20


def is_parquet(path: Path) -> bool:
    """Return whether a file is Parquet, whatever its name says; what cannot be opened is not."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return False
        with path.open("rb") as file:
            return file.read(len(_PARQUET)) == _PARQUET
    except OSError:
        return False


def separator_of(source: Path | bytes) -> str:
    """Return what separates the cells of a CSV file: the commonest of `,`, `;`, tab and `|` in its header.

    What stands in quotes does not count. A comma wins over what is as common.

    Args:
        source: the file, gzipped or not, or its content.

    Raises:
        OSError: the file cannot be read.
    """
    with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as file:
        packed = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
        try:
            start = (
                gzip.GzipFile(fileobj=file).read(_LONGEST_HEADER) if packed else file.read(_LONGEST_HEADER)
            )
        except (EOFError, zlib.error):  # of a cut file, which polars speaks of
            return ","
    unquoted = b"".join(start.split(b'"')[::2]).strip(b"\r\n")
    header = unquoted.splitlines()[0] if unquoted else b""
    return max(_SEPARATORS, key=lambda separator: header.count(separator.encode()))


def _for_polars(path: Path) -> Path | bytes:
    """Return what polars is given to read a whole file: its content where the path is not Unicode."""
    path = path.absolute()
    return path if _is_unicode(path) else path.read_bytes()


def _to_scan(path: Path) -> Path:
    """Return a path that polars can come back to.

    Raises:
        InputError: it is not Unicode, which polars asks for.
    """
    if not _is_unicode(path.absolute()):
        raise InputError(f"{path} is not valid Unicode; rename the file, or the folder that it lies in.")
    return path.absolute()


def _is_unicode(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def scan_parquet(path: Path) -> pl.LazyFrame:
    """Return the rows of a Parquet file, to be read as they are asked for."""
    return pl.scan_parquet(_to_scan(path), glob=False, hive_partitioning=False)


def read_parquet(path: Path) -> pl.DataFrame:
    """Return the rows of a Parquet file."""
    return pl.read_parquet(_for_polars(path), glob=False, hive_partitioning=False)


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
    return pl.scan_ipc(_to_scan(path), glob=False, hive_partitioning=False)


def read_arrow_stream(path: Path) -> pl.DataFrame:
    """Return the rows of an Arrow stream."""
    with path.open("rb") as file:
        return pl.read_ipc_stream(file)


def scan_csv(path: Path) -> pl.LazyFrame:
    """Return the rows of a CSV file as strings, to be read as they are asked for."""
    path = _to_scan(path)
    return pl.scan_csv(path, infer_schema=False, glob=False, separator=separator_of(path))


def read_csv(source: Path | bytes, **choices: Any) -> pl.DataFrame:
    """Return the rows of a CSV file, or of its content, as strings.

    Args:
        source: the file or its content.
        **choices: further arguments of `polars.read_csv`; the separator is found where not given.
    """
    choices.setdefault("separator", separator_of(source))
    if isinstance(source, Path):
        source, choices = _for_polars(source), {**choices, "glob": False}
    return pl.read_csv(source, infer_schema=False, **choices)


def write_parquet(rows: pl.DataFrame, path: Path, warning: str | None = None) -> None:
    """Write rows as a Parquet file.

    Args:
        rows: what to write.
        path: the file.
        warning: a sentence that the file carries, as `warning` of its metadata.

    Raises:
        OSError: it cannot be written.
    """
    content = io.BytesIO()  # polars names neither the file nor the reason where a disk is full
    rows.write_parquet(content, metadata=None if warning is None else {"warning": warning})
    path.write_bytes(content.getbuffer())


def write_csv(rows: pl.DataFrame, path: Path) -> None:
    """Write rows as a CSV file.

    Raises:
        OSError: it cannot be written.
    """
    content = io.BytesIO()
    rows.write_csv(content)
    path.write_bytes(content.getbuffer())
