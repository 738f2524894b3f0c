"""What a cell says: absent values, ages as people and DICOM write them, labels and what is nearly one."""

import math
from datetime import timedelta

import polars as pl
import pytest

from relinkage.cohorts.cells import is_label, label_values, looks_like_a_label, present, years


@pytest.mark.parametrize("cell", ["", "  ", "NaN", "nan", "NA", "N/A", "null", None])
def test_what_says_nothing(cell):
    assert present(pl.Series([cell, " x "], dtype=pl.String)).to_list() == [None, "x"]


@pytest.mark.parametrize(
    ("cell", "age"),
    [
        ("38", 38), ("38.5", 38.5), ("38Y", 38), ("038Y", 38), ("038y", 38), ("006M", 0.5),
        ("052W", 364 / 365.25),
        ("012D", 12 / 365.25), ("000D", 0), ("old", None), ("38 years", None), ("Y", None), ("NaN", None),
    ],
)  # fmt: skip
def test_ages_in_years(cell, age):
    (found,) = years(pl.Series([cell])).to_list()
    assert found == (age if age is None else pytest.approx(age))


def test_ages_that_are_numbers():
    assert years(pl.Series([38.0, None, 4.5])).to_list() == [38, None, 4.5]
    assert years(pl.Series([math.nan, math.inf, -math.inf])).to_list() == [None] * 3
    assert years(pl.Series(["inf", "1e30"])).to_list() == [None, 1e30]


@pytest.mark.parametrize(
    "cells",
    [
        [1.0, 0.0, math.nan, -1.0, None],
        ["1", "0", "NaN", "-1", ""],
        ["1.0", "0.0", "NA", "-1.0", None],
        [" 1", "0 ", "null", "-1.0", " "],
    ],
)
def test_labels_with_absent_cells_are_labels(cells):
    values = pl.Series(cells, strict=False)
    told, others = label_values(values)
    assert told.to_list() == [1, 0, None, -1, None]
    assert others == 0
    assert is_label(values)


@pytest.mark.parametrize("other", ["2", "maybe", "0.5", "inf"])
def test_one_other_cell_keeps_a_column_from_being_a_label_and_is_counted(other):
    values = pl.Series(["1", "0"] * 10 + [other])
    assert not is_label(values)
    assert looks_like_a_label(values) == 1
    assert label_values(values)[0].null_count() == 1


def test_other_columns_do_not_look_like_labels():
    assert looks_like_a_label(pl.Series(["1", "2", "3", "0"])) == 0
    assert looks_like_a_label(pl.Series(["a", None])) == 0
    assert looks_like_a_label(pl.Series([None, None], dtype=pl.String)) == 0
    assert not is_label(pl.Series(["", "NaN"]))


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([[1]]),
        pl.Series([{"a": 1}]),
        pl.Series([b"1"]),
        pl.Series([object()]),
        pl.Series([timedelta(1)]),
    ],
    ids=lambda values: str(values.dtype),
)
def test_a_column_that_cannot_be_read_as_words_is_no_label(values):
    assert not is_label(values)
    assert looks_like_a_label(values) == 0
