"""Columns that nothing reads are told, without telling names that may hold secrets."""

from pathlib import Path

import polars as pl
import pytest

from relinkage.cohorts import Cohort
from relinkage.cohorts.unused import unused_columns
from relinkage.errors import InputError

PAIRS = {"pair_id": ["a", "b"], "Edema": [1, 0]}


def notes(**columns):
    table = pl.DataFrame(PAIRS | columns)
    return unused_columns(table, tuple(PAIRS), "--pairs")


def test_all_that_is_read_is_not_told():
    assert notes() == []


def test_unknown_columns_are_counted_and_not_named():
    (note,) = notes(SECRET=["x", "y"])
    assert note == "1 column of --pairs is not used."
    (note,) = notes(SECRET=["x", "y"], other=["x", "y"])
    assert note == "2 columns of --pairs are not used."


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("PatientID", "patient_id"), ("subject_id", "patient_id"), ("Patient ID", "patient_id"),
        ("StudyUID", "study_id"), ("StudyInstanceUID", "study_id"), ("AccessionNumber", "study_id"),
        ("ViewPosition", "view"), ("PatientSex", "sex"), ("PatientAge", "age"),
    ],
)  # fmt: skip
def test_known_names_of_other_columns_are_suggested(name, known):
    (note,) = notes(**{name: ["x", "y"]})
    assert note == f"1 column of --pairs is not used. {name} looks like {known}: rename it."


def test_nothing_is_suggested_for_a_column_that_is_there():
    table = pl.DataFrame(PAIRS | {"patient_id": ["p", "q"], "subject_id": ["p", "q"]})
    assert unused_columns(table, (*PAIRS, "patient_id"), "--pairs") == ["1 column of --pairs is not used."]


def test_a_column_that_is_a_label_but_for_some_cells_is_named():
    table = pl.DataFrame(
        {"pair_id": [str(row) for row in range(20)], "Nodule": ["1", "0"] * 9 + ["1", "two"]}
    )
    assert unused_columns(table, ["pair_id"], "--pairs") == [
        "Nodule is not read as a label: it holds something other than 1, 0, -1 and empty in 1 of 20 rows; "
        "correct those."
    ]


def test_a_cohort_tells_what_it_does_not_use():
    table = pl.DataFrame(
        {
            "pair_id": ["a", "b"],
            "study_id": ["1", "2"],
            "image": ["a.png", "b.png"],
            "report": ["one", "two"],
            "PatientID": ["p", "p"],
            "SECRET": ["x", "y"],
            "age": ["038Y", "006M"],
            "Edema": ["1", "NaN"],
        }
    )
    made = Cohort.from_table(table, Path(), "mine")
    assert "2 columns of the cohort are not used. PatientID looks like patient_id: rename it." in made.notes
    assert not any("SECRET" in note for note in made.notes)
    assert made.pairs["age"].to_list() == [38, 0.5]
    assert made.labels == ("Edema",)
    assert made.pairs["Edema"].to_list() == [1, None]


def test_a_label_by_name_stays_one_whatever_a_cell_holds():
    table = pl.DataFrame(
        {
            "pair_id": list("abcd"),
            "study_id": list("1234"),
            "patient_id": list("pqrs"),
            "image": [f"{name}.png" for name in "abcd"],
            "report": ["text"] * 4,
            "Mass": ["1", "0", "2", ""],
            "Nodule": ["1", "0", "1", "0"],
        }
    )
    found = Cohort.from_table(table, Path(), "mine")
    named = found.with_labels(["Mass"])
    assert (found.labels, named.labels) == (("Nodule",), ("Mass",))
    assert named.pairs["Mass"].to_list() == [1, 0, None, None]
    assert any(note.startswith("Mass: 1 of 4 cells hold something other") for note in named.notes)
    whole = Cohort.from_table(table.with_columns(Mass=pl.Series(["1", "0", "0", ""])), Path(), "mine")
    assert named.pairs["Mass"].drop_nulls().to_list() == whole.pairs["Mass"].to_list()[:2]


@pytest.mark.parametrize(
    ("cells", "values", "odd"),
    [
        ([1.0, 0.0, float("nan"), -1.0], [1, 0, None, -1], 0),
        (["1", "0", "2", "-1"], [1, 0, None, -1], 1),
        (["positive", "negative", "", "uncertain"], [None] * 4, 3),
        ([True, False, None, True], [None] * 4, 3),
        ([1.0, 0.5, None, float("inf")], [1, None, None, None], 2),
    ],
)
def test_a_column_with_a_known_labels_name_is_that_label(cells, values, odd):
    table = pl.DataFrame(
        {
            "pair_id": list("abcd"),
            "study_id": list("1234"),
            "patient_id": list("pqrs"),
            "image": [f"{name}.png" for name in "abcd"],
            "report": ["text"] * 4,
            "Edema": cells,
        }
    )
    made = Cohort.from_table(table, Path(), "mine")
    assert made.labels == ("Edema",)
    assert made.pairs["Edema"].to_list() == values
    said = f"Edema: {odd} of 4 cells hold something other than 1, 0, -1 and empty"
    assert any(note.startswith(said) for note in made.notes) == (odd > 0)
    assert made.with_pairs(made.pairs[:3]).notes == made.notes


def test_a_name_of_a_label_without_its_values_is_told():
    for name, cells in (("pleural_effusion", ["yes", "no"]), ("Fracture", [True, False])):
        (note,) = notes(**{name: cells})
        assert f"{name} has the name of the label" in note


@pytest.mark.parametrize("absent", ["nan", "None", "NULL", " na ", "<NA>", "NaT"])
@pytest.mark.parametrize("column", ["study_id", "patient_id"])
def test_a_text_that_stands_for_no_id_is_none(column, absent):
    table = {"pair_id": ["a", "b"], "study_id": ["1", "2"], "patient_id": ["p", "q"]}
    table |= {"image": ["a.png", "b.png"], "report": ["one", "two"], column: [absent, "1"]}
    with pytest.raises(InputError, match=f"has 1 rows without {column}, the first is row 1"):
        Cohort.from_table(pl.DataFrame(table), Path(), "mine")


@pytest.mark.parametrize(("name", "says"), [("Mass", "has no column Mass"), ("sex", "is not a label")])
def test_what_cannot_be_a_label(name, says):
    table = {"pair_id": ["a"], "study_id": ["1"], "image": ["a.png"], "report": ["text"], "sex": ["F"]}
    with pytest.raises(InputError, match=says):
        Cohort.from_table(pl.DataFrame(table), Path(), "mine").with_labels([name])
