"""Who belongs to whom, read from a table of pairs."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.errors import InputError
from relinkage.linkage import Links


def linked(reports=None, **columns):
    """Links of a table with these columns; pair ids are made up where not given."""
    rows = len(next(iter(columns.values())))
    columns = {"pair_id": [f"pair-{row}" for row in range(rows)], **columns}
    return Links.from_pairs(pl.DataFrame(columns), rows, rows if reports is None else reports, "pairs.csv")


def same(numbers):
    """Which of these stand for the same, as a square of bools."""
    numbers = np.asarray(numbers)
    return (numbers[:, None] == numbers).tolist()


def test_row_by_row_image_i_belongs_to_report_i():
    links = Links.row_by_row(4, 4)
    assert links.mate.tolist() == links.candidate_row.tolist() == links.patient.tolist() == [0, 1, 2, 3]
    assert links.pairs["pair_id"].to_list() == ["0", "1", "2", "3"]
    assert (len(links), links.patients, links.studies, links.patients_known) == (4, 4, 4, False)
    assert links.text is None


def test_a_column_may_name_the_mates():
    links = linked(reports=7, candidate=["6", "0", "6"])
    assert links.mate.tolist() == [6, 0, 6]
    assert links.candidate_row.tolist() == list(range(7))
    assert links.candidate_patient[[1, 2, 3, 4, 5]].tolist() == [-1] * 5
    assert links.studies == 2


def test_several_images_of_a_study_share_one_candidate():
    links = linked(study_id=["s9", "s2", "s9", "s5", "s2"], patient_id=["p", "q", "p", "p", "q"])
    assert links.candidate_row.tolist() == [0, 1, 3]  # the report of each study's first row, in table order
    assert links.mate.tolist() == [0, 1, 0, 2, 1]
    assert (links.studies, links.patients) == (3, 2)
    assert same(links.candidate_patient) == same(["p", "q", "p"])


def test_a_study_is_one_candidate_where_rows_are_named_too():
    links = linked(reports=5, candidate=[4, 1, 1, 3], study_id=["a", "a", "b", "c"])
    # Row 1 is the report of b too, rows 0 and 2 are nobody's.
    assert links.candidate_row.tolist() == [0, 1, 2, 3, 4]
    assert links.mate.tolist() == [4, 4, 1, 3]
    assert links.report_row.tolist() == [4, 1, 1, 3]
    assert links.studies == 3
    links = linked(reports=5, candidate=[4, 0, 1, 3], study_id=["a", "a", "b", "c"])
    assert links.candidate_row.tolist() == [1, 2, 3, 4]
    assert links.mate.tolist() == [3, 3, 0, 2]


@pytest.mark.parametrize("absent", [None, "", "  ", "nan", "None", "NULL", " NaN ", "<NA>"])
def test_who_has_no_patient_id_is_a_patient_of_their_own(absent):
    links = linked(patient_id=["p", absent, "p", absent, "q"])
    assert same(links.patient) == same(["p", 1, "p", 3, "q"])
    assert links.patients_known
    assert links.same_patient()[0].tolist() == [0, 2]


@pytest.mark.parametrize("absent", [None, "", "  ", "nan", "None", "NULL", " NaN ", "<NA>"])
def test_who_has_no_study_id_is_a_study_of_their_own(absent):
    links = linked(study_id=["s", absent, "s", absent], patient_id=["p", "q", "p", "r"])
    assert same(links.mate) == same(["s", 1, "s", 3])
    assert links.studies == 3


def test_where_patients_are_not_known_a_study_is_the_unit():
    links = linked(study_id=["s", "t", "s"])
    assert same(links.patient) == same(["s", "t", "s"])
    assert not links.patients_known


def test_ids_that_are_not_a_number_are_none():
    links = linked(patient_id=[1.0, float("nan"), 1.0, float("nan")])
    assert same(links.patient) == same([1, "a", 1, "b"])


@pytest.mark.parametrize("column", ["pair_id", "candidate", "study_id", "patient_id", "report_hash", "view"])
@pytest.mark.parametrize(
    "cells", [[[1], [2]], [{"a": 1}, {"a": 2}], [b"1", b"2"], [timedelta(1), timedelta(2)]]
)
def test_a_column_that_is_read_holds_words(column, cells):
    with pytest.raises(InputError, match=f"pairs.csv holds .* in the column {column}; a cell is a text"):
        linked(**{"age": [1, 2], column: cells})


def test_ids_may_be_numbers():
    links = linked(study_id=[7, 7, 8], patient_id=[1.0, 1.0, 2.0])
    assert links.mate.tolist() == [0, 0, 1]
    assert same(links.patient) == same([1, 1, 2])


def test_texts_are_told_by_their_hash_and_an_absent_one_is_alone():
    links = linked(report_hash=["x", None, "x", None, "y"])
    assert same(links.text) == same(["x", 1, "x", 3, "y"])
    links = linked(reports=4, candidate=[3, 1], report_hash=["x", "x"])
    assert same(links.text) == same([0, "x", 2, "x"])  # no query says anything about candidates 0 and 2


def test_patients_may_be_replaced():
    links = linked(reports=4, candidate=[3, 1, 3]).with_patients(np.array([5, 6, 5]))
    assert links.candidate_patient.tolist() == [-1, 6, -1, 5]
    assert links.patients == 2
    assert links.patients_known


@st.composite
def hospitals(draw):
    """A table of up to 30 images of studies of patients."""
    patient_of = draw(st.lists(st.integers(0, 5), min_size=1, max_size=10))
    study = draw(st.lists(st.integers(0, len(patient_of) - 1), min_size=1, max_size=30))
    return study, [patient_of[s] for s in study]


def listed(pairs):
    rows, columns = pairs
    found = list(zip(rows.tolist(), columns.tolist(), strict=True))
    assert len(set(found)) == len(found)
    return set(found)


@given(hospitals())
def test_what_is_left_out_is_what_a_double_loop_finds(hospital):
    study, patient = hospital
    links = linked(study_id=study, patient_id=patient)
    studies = list(dict.fromkeys(study))
    queries = range(len(study))
    assert [studies[mate] for mate in links.mate] == study
    assert listed(links.same_patient()) == {
        (i, j)
        for i in queries
        for j, s in enumerate(studies)
        if s != study[i] and patient[study.index(s)] == patient[i]
    }
    assert listed(links.same_report()) == {
        (i, j) for i in queries for j in queries if i != j and study[i] == study[j]
    }
    assert listed(links.same_patient_queries()) == {
        (i, j) for i in queries for j in queries if i != j and patient[i] == patient[j]
    }


REFUSED = {
    "no pair ids": (
        {"pair": ["a", "b"]},
        (2, 2),
        "pairs.csv lacks the column pair_id (it has 1 others); add or rename it.",
    ),
    "too many rows": (
        {"pair_id": ["a", "b", "c"]},
        (2, 2),
        "pairs.csv has 3 rows for 2 images; give a row per image.",
    ),
    "too few rows": (
        {"pair_id": ["a"]},
        (2, 2),
        "pairs.csv has 1 rows for 2 images; give a row per image.",
    ),
    "an id twice": (
        {"pair_id": ["a", "b", "c", "b"]},
        (4, 4),
        "pairs.csv repeats a pair_id in 2 rows, the first is row 2; every pair needs an id of its own.",
    ),
    "no mates": (
        {"pair_id": ["a", "b"]},
        (2, 3),
        "There are 2 images and 3 reports; say which report belongs to which image in a column candidate of "
        "pairs.",
    ),
    "a study of two patients": (
        {"pair_id": ["a", "b", "c"], "study_id": ["2", "1", "1"], "patient_id": ["p", "p", "q"]},
        (3, 3),
        "pairs.csv gives 1 studies more than one patient_id, the first at row 2; a study belongs to one "
        "patient.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_table_that_does_not_fit_is_refused(case):
    columns, sizes, message = REFUSED[case]
    with pytest.raises(InputError) as error:
        Links.from_pairs(pl.DataFrame(columns), *sizes, "pairs.csv")
    assert str(error.value) == message


@pytest.mark.parametrize("wrong", ["3", "-1", "0.5", "x", "", None, "nan", "inf"])
def test_mates_that_are_no_row_of_the_reports_are_refused(wrong):
    with pytest.raises(InputError) as error:
        linked(reports=3, candidate=["0", wrong, "2", wrong])
    assert str(error.value) == (
        "pairs.csv names a candidate that is not a row of the reports (0 to 2) in 2 rows, the first is row "
        "2; correct it."
    )


def test_a_study_whose_other_rows_lack_the_patient_is_still_of_one_patient():
    links = linked(study_id=["s", "s", "t"], patient_id=["p", None, "q"])
    assert links.mate.tolist() == [0, 0, 1]


def test_counts_that_differ_are_refused_where_nothing_else_is_known():
    with pytest.raises(InputError, match="There are 3 images and 4 reports; say which report"):
        Links.row_by_row(3, 4)
