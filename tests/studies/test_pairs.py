"""Pairs from sequences and from any data frame, with their lengths checked."""

import numpy as np
import polars as pl
import pytest
import torch

import relinkage as rl
from relinkage.studies.pairs import table_of


def test_pairs_have_ids_and_the_columns_that_were_given():
    pairs = rl.Pairs(
        study=[3, 3, 4],
        patient=("a", None, "b"),
        split=np.array(["train", "test", "test"]),
        view=["PA", "AP", "PA"],
    )
    assert pairs.table.columns == ["pair_id", "study_id", "patient_id", "split", "view"]
    assert pairs.table["pair_id"].to_list() == ["0", "1", "2"]
    assert pairs.table["patient_id"].to_list() == ["a", None, "b"]
    assert "a" not in repr(pairs).replace("pairs", "").replace("patients", "").replace("Pairs", "")


@pytest.mark.parametrize(
    "labels",
    [
        {"Edema": [1, 0, -1], "Fracture": [None, 1, 0]},
        pl.DataFrame({"Edema": [1, 0, -1], "Fracture": [None, 1, 0]}),
    ],
    ids=["mapping", "frame"],
)
def test_pairs_take_labels_with_names(labels):
    table = rl.Pairs(patient=[1, 2, 3], labels=labels).table
    assert table["Edema"].to_list() == [1, 0, -1]
    assert table["Fracture"].to_list() == [None, 1, 0]


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_pairs_number_the_labels_of_an_array(kind):
    table = rl.Pairs(labels=kind([[1.0, 0.0], [float("nan"), 1.0]])).table
    assert table["label 1"].to_list() == [1, None]
    assert table["label 2"].to_list() == [0, 1]


def test_pairs_take_tables_of_other_libraries():
    class Frame(dict):
        """Columns by name, as pandas has them."""

        columns = ("patient_id", "study_id")

    frame = Frame(patient_id=np.array([1.0, np.nan, 2.0]), study_id=np.array(["x", None, "y"], dtype=object))
    table = table_of(frame)
    assert table["patient_id"].to_list() == [1.0, None, 2.0]
    assert table["study_id"].to_list() == ["x", None, "y"]
    own = pl.DataFrame({"pair_id": ["k", "l"], "candidate": [1, 0]})
    assert table_of(own).equals(own)
    assert table_of(None) is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"patient": [1, 2, 3], "study": [1, 2]}, "study_id has 2 values and patient_id has 3"),
        ({}, "The pairs have no column; give at least patient, study or candidate"),
        ({"patient": [1], "patient_id": [1]}, "The pairs have the column patient_id twice"),
        ({"patient": np.ones((2, 2))}, r"patient has shape \(2, 2\); give one value for each image"),
        ({"labels": [1, 0]}, r"labels has shape \(2,\); give a mapping of columns"),
        ({"table": 3}, "The table of pairs is a int; give a polars, pandas or pyarrow table"),
    ],
)
def test_pairs_that_make_no_sense_are_refused(given, message):
    with pytest.raises(rl.InputError, match=message):
        rl.Pairs(**given)
