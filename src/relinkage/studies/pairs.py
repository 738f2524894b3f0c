"""Who belongs to whom, as a program holds it: sequences, or a data frame."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from relinkage.embeddings.given import from_tensor
from relinkage.errors import InputError

_COLUMNS = {"pair": "pair_id", "study": "study_id", "patient": "patient_id"}
"""The columns of a table that arguments of other names stand for."""


class Pairs:
    """A row per image: whose it is, which report is its own, and what else is known of it.

    Examples:
        >>> import relinkage as rl
        >>> pairs = rl.Pairs(patient=["a", "a", "b"], study=[1, 2, 3], labels={"Edema": [1, 0, None]})
        >>> len(pairs), pairs.table.columns
        (3, ['pair_id', 'study_id', 'patient_id', 'Edema'])

    Attributes:
        table: `pair_id`, and of `candidate`, `study_id`, `patient_id`, `split`, labels and further columns
            those that were given.
    """

    table: pl.DataFrame

    def __init__(
        self,
        table: Any = None,
        *,
        pair: Any = None,
        candidate: Any = None,
        study: Any = None,
        patient: Any = None,
        split: Any = None,
        labels: Any = None,
        **columns: Any,
    ) -> None:
        """Take a table, or sequences, or a table and further columns.

        Args:
            table: a polars, pandas or pyarrow table, a mapping of columns, or nothing; its columns are named
                as in the tables of `relinkage audit --pairs`.
            pair: an id for each pair; the number of its row where not given.
            candidate: the row of the reports that is each image's own; row i where not given.
            study: the examination of each image.
            patient: the patient of each image; None where it is not known.
            split: the part of the cohort that each pair is in, such as train and test.
            labels: columns of 1, 0, -1 (uncertain) and None (not mentioned): a table, a mapping, or an array
                of shape (images, labels), whose labels are then called "label 1", "label 2" and so on.
            columns: further columns, such as `view`, `sex` and `age`.

        Raises:
            InputError: columns have different lengths or one name, or there are none.
        """
        given = _columns(table, "The table of pairs")
        named = {"pair": pair, "candidate": candidate, "study": study, "patient": patient, "split": split}
        for name, values in (*named.items(), *columns.items()):
            if values is not None:
                _add(given, _COLUMNS.get(name, name), _series(values, name))
        for name, series in _columns(_labels(labels), "labels").items():
            _add(given, name, series)
        lengths = {name: len(series) for name, series in given.items()}
        if not lengths:
            raise InputError("The pairs have no column; give at least patient, study or candidate.")
        if len(set(lengths.values())) > 1:
            (first, rows), (other, more) = _two_lengths(lengths)
            raise InputError(
                f"{first} has {rows} values and {other} has {more}; give one for each image in both."
            )
        if "pair_id" not in given:
            rows = next(iter(lengths.values()))
            given = {"pair_id": pl.Series([str(row) for row in range(rows)], dtype=pl.String), **given}
        self.table = pl.DataFrame([series.alias(name) for name, series in given.items()])

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        patients = (
            f" of {self.table['patient_id'].n_unique():,} patients"
            if "patient_id" in self.table.columns
            else ""
        )
        return f"Pairs({len(self):,} pairs{patients})"


def table_of(pairs: Any) -> pl.DataFrame | None:
    """Return the table of pairs that somebody gave: `Pairs`, or a data frame that has all columns."""
    if pairs is None:
        return None
    return pairs.table if isinstance(pairs, Pairs) else Pairs(pairs).table


def _columns(table: Any, what: str) -> dict[str, pl.Series]:
    """Return the columns of a polars, pandas or pyarrow table, or of a mapping."""
    if table is None:
        return {}
    if isinstance(table, pl.DataFrame):
        return {series.name: _series(series, series.name) for series in table.get_columns()}
    if isinstance(table, Mapping):
        return {str(name): _series(values, str(name)) for name, values in table.items()}
    names = getattr(table, "column_names", None)
    if names is None:
        names = getattr(table, "columns", None)
    if names is None:
        raise InputError(
            f"{what} is a {type(table).__name__}; give a polars, pandas or pyarrow table, or a mapping of "
            "columns."
        )
    return {str(name): _series(table[name], str(name)) for name in names}


def _series(values: Any, name: str) -> pl.Series:
    if isinstance(values, pl.Series):
        return values.fill_nan(None) if values.dtype.is_float() else values
    values = from_tensor(values)
    if hasattr(values, "to_pylist"):  # a column of pyarrow
        values = values.to_pylist()
    elif not isinstance(values, list | tuple | range):
        array = np.asarray(values)
        values = array.tolist() if array.dtype == object else array
    if isinstance(values, np.ndarray) and values.ndim != 1:
        raise InputError(f"{name} has shape {values.shape}; give one value for each image.")
    if isinstance(values, Sequence) and any(isinstance(value, str) for value in values):
        values = [None if _is_nan(value) else str(value) for value in values]
    series = pl.Series(name, values, strict=False)
    return series.fill_nan(None) if series.dtype.is_float() else series


def _is_nan(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _labels(labels: Any) -> Any:
    """Return labels as columns with names; an array has none of its own."""
    if labels is None or isinstance(labels, Mapping) or hasattr(labels, "columns"):
        return labels
    if hasattr(labels, "column_names"):
        return labels
    array = np.asarray(from_tensor(labels))
    if array.ndim != 2:
        raise InputError(
            f"labels has shape {array.shape}; give a mapping of columns, a table, or an array of shape "
            "(images, labels)."
        )
    return {f"label {number}": column for number, column in enumerate(array.T, 1)}


def _add(given: dict[str, pl.Series], name: str, series: pl.Series) -> None:
    if name in given:
        raise InputError(f"The pairs have the column {name} twice; give it once.")
    given[name] = series


def _two_lengths(lengths: Mapping[str, int]) -> tuple[tuple[str, int], tuple[str, int]]:
    first, *others = lengths.items()
    return first, next(other for other in others if other[1] != first[1])
