"""Rows of results as data frames."""

from collections.abc import Iterable
from typing import Any

import msgspec
import polars as pl

from relinkage.records import Record


def frame(rows: Iterable[Record]) -> pl.DataFrame:
    """Return records of one kind as a table, a row each.

    A record inside a record has columns named after both, its `value` that of the outer field alone; what
    holds several values is left out.

    Examples:
        >>> from relinkage.linkage.estimates import Estimate
        >>> frame([Estimate(value=0.5, low=0.4, high=0.6)]).columns
        ['value', 'low', 'high']
    """
    return pl.DataFrame([_flat(row) for row in rows], infer_schema_length=None)


def _flat(row: Record) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name, value in zip(row.__struct_fields__, msgspec.structs.astuple(row), strict=True):
        if isinstance(value, Record):
            for part, inside in _flat(value).items():
                columns[name if part == "value" else f"{name}_{part}"] = inside
        elif not isinstance(value, tuple):
            columns[name] = value
    return columns
