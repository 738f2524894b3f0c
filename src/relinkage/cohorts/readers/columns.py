"""Columns out of CSV files, by name, and what their cells say."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from relinkage.cohorts.cells import years
from relinkage.cohorts.csv_files import CsvFile
from relinkage.cohorts.labels import CHEXPERT_LABELS
from relinkage.errors import InputError

_BY_LOWER = {label.lower().replace(" ", "_"): label for label in CHEXPERT_LABELS} | {
    "airspace_opacity": "Lung Opacity"  # as radiologists' labels call it
}


def read_columns(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> pl.DataFrame:
    """Read some columns of a CSV file as strings.

    Column names are compared without case and without white space around them. Text that is not UTF-8 is read
    as Latin-1.

    Args:
        path: the file; gzipped or not, whatever its name says.
        required: columns that must be there.
        optional: columns that may be there.

    Returns:
        The columns that are there, under the names asked for; empty cells are null.

    Raises:
        InputError: the file cannot be read as CSV, or a column is missing.
    """
    file = CsvFile(path)
    names = {name.strip().lower(): name for name in reversed(file.column_names())}
    missing = [column for column in required if column.lower() not in names]
    if missing:
        raise InputError(f"{path} lacks the column {', '.join(missing)}; name the file as it was published.")
    wanted = {names[column.lower()]: column for column in (*required, *optional) if column.lower() in names}
    table = file.rows(list(wanted))
    return table.select(pl.col(name).alias(column) for name, column in wanted.items())


def column_names(path: Path) -> list[str]:
    """Give the names in the header of a CSV file.

    Raises:
        InputError: the file cannot be read as CSV.
    """
    return [name.strip() for name in CsvFile(path).column_names()]


def label_columns(names: Sequence[str]) -> dict[str, str]:
    """Find the columns that hold CheXpert labels: the label of each, whatever their order and case."""
    found = {name: _BY_LOWER.get(name.strip().lower().replace(" ", "_")) for name in names}
    taken: dict[str, str] = {}
    for name, label in found.items():
        if label is not None and label not in taken.values():
            taken[name] = label
    return taken


def as_labels(table: pl.DataFrame, columns: dict[str, str]) -> list[pl.Expr]:
    """Give label columns their values: 1, 0, -1; anything else is not mentioned."""
    values = {column: pl.col(column).cast(pl.Float64, strict=False) for column in columns}
    return [
        pl.when(value.is_in([1.0, 0.0, -1.0])).then(value).cast(pl.Int8).alias(columns[column])
        for column, value in values.items()
    ]


def as_id(column: str, letter: str = "") -> pl.Expr:
    """Give ids without white space, without the `.0` of a number that was read as one, and without a letter.

    Args:
        column: the column.
        letter: what may stand before the digits (`s50414267`).
    """
    text = pl.col(column).str.strip_chars().str.replace(r"^(\d+)\.0$", "${1}")
    if letter:
        text = text.str.replace(rf"^{letter}(\d+)$", "${1}")
    return pl.when(text != "").then(text).alias(column)


def as_sex(column: str) -> pl.Expr:
    """Give `F` and `M` for what begins so; anything else stays unknown."""
    first = pl.col(column).str.strip_chars().str.to_uppercase()
    return pl.when(first.is_in(["F", "M", "FEMALE", "MALE"])).then(first.str.slice(0, 1)).alias("sex")


def as_age(column: str) -> pl.Expr:
    """Give ages in years, from 0 to 150, also as DICOM writes them; anything else stays unknown."""
    age = pl.col(column).map_batches(years, return_dtype=pl.Float64)
    return pl.when(age.is_between(0, 150)).then(age).alias("age")
