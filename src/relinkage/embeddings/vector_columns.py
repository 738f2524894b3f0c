"""The vectors in a Parquet file: one column of lists, or a column for each dimension and no others."""

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
from numpy.typing import NDArray

from relinkage.cohorts.labels import CHEXPERT_LABELS
from relinkage.cohorts.unused import ALIASES, plain_name
from relinkage.errors import InputError
from relinkage.tables import parquet_metadata

_INDEX = re.compile(r"|__index_level_\d+__|Unnamed: \d+|index|level_\d+|row_(nr|index)")
"""Names under which programs write the names or numbers of rows."""
_KNOWN = (*CHEXPERT_LABELS, "candidate", "report_hash", "report_row", "report_words")
_NO_DIMENSIONS = {plain_name(name) for names in (*ALIASES.values(), _KNOWN) for name in names}
_FEW_ROWS = 8
"""Up to so many rows, features may count up from row to row by chance."""


def list_columns(table: pl.DataFrame) -> list[str]:
    """Return the columns that hold a vector a row: lists, arrays, and Arrow's tensors of a fixed shape."""
    return [
        column for column in table.columns if isinstance(_stored(table[column]).dtype, pl.List | pl.Array)
    ]


def from_lists(rows: pl.Series, path: Path) -> NDArray[Any]:
    """Return a column of equally long lists as an array; lists of lists have a dimension more.

    Args:
        rows: a column of `list_columns`.
        path: how messages name the file.

    Raises:
        InputError: lists differ in length, are empty, or lack a number.
    """
    rows = _stored(rows)
    shape = [len(rows)]
    while isinstance(rows.dtype, pl.List | pl.Array):
        _check_nulls(path, [rows.null_count()])
        lengths = rows.list.len() if isinstance(rows.dtype, pl.List) else rows.arr.len()
        if lengths.n_unique() != 1 or not lengths[0]:
            raise InputError(
                f"{path} has lists of differing lengths, or none; every row needs as many numbers."
            )
        shape.append(int(lengths[0]))
        rows = rows.explode()
    _check_nulls(path, [rows.null_count()])
    return rows.to_numpy().reshape(shape)


def from_columns(table: pl.DataFrame, path: Path) -> NDArray[Any]:
    """Return columns of floating-point numbers, each a dimension, as a matrix; an index is left away.

    Args:
        table: the whole file.
        path: the file.

    Raises:
        InputError: a column is an id, a label, a row number or anything but floating-point numbers, or a cell
            is empty.
    """
    index = _index_columns(path)
    table = table.select(
        column for column in table.columns if column not in index and not _INDEX.fullmatch(column)
    )
    wrong = [column for column in table.columns if not _may_be_a_dimension(table[column])]
    if wrong:
        raise InputError(
            f"{path} has columns that are not dimensions ({', '.join(wrong[:5])}): ids, labels, row numbers "
            "or no floating-point numbers; keep only the dimensions, or one list column."
        )
    _check_nulls(path, [table[column].null_count() for column in table.columns])
    return table.to_numpy()


def _may_be_a_dimension(values: pl.Series) -> bool:
    if not values.dtype.is_float() or plain_name(values.name) in _NO_DIMENSIONS:
        return False
    return len(values) <= _FEW_ROWS or not (values.diff().slice(1) == 1).all()


def _index_columns(path: Path) -> set[str]:
    """Return the columns that pandas wrote as the index of a data frame."""
    try:
        named = json.loads(parquet_metadata(path).get("pandas", "{}")).get("index_columns", [])
    except (ValueError, AttributeError):
        return set()
    names = named if isinstance(named, list) else []
    return {name for name in names if isinstance(name, str)}  # an index that is a range has no column


def _stored(values: pl.Series) -> pl.Series:
    """Return what an extension type keeps its values in."""
    return values.ext.storage() if isinstance(values.dtype, pl.BaseExtension) else values


def _check_nulls(path: Path, counts: list[int]) -> None:
    if sum(counts):
        raise InputError(f"{path} has {sum(counts)} empty cells among its vectors; fill or drop those rows.")
