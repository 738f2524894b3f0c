"""The cohort table: its schema is checked before anything expensive starts."""

from pathlib import Path

import polars as pl
import pytest

from relinkage.cohorts import Cohort
from relinkage.errors import InputError


def table(rows=4, **columns):
    given = {
        "pair_id": [f"pair-{row}" for row in range(rows)],
        "study_id": [f"study-{row}" for row in range(rows)],
        "patient_id": [f"patient-{row // 2}" for row in range(rows)],
        "image": [f"images/{row}.png" for row in range(rows)],
        "report": [f"Report number {row}." for row in range(rows)],
        **columns,
    }
    return pl.DataFrame({name: values for name, values in given.items() if values is not None})


def cohort(**columns):
    return Cohort.from_table(table(**columns), Path("/data"), "mine", source="mine.csv")


def refusal(**columns):
    with pytest.raises(InputError) as error:
        cohort(**columns)
    return str(error.value)


def test_what_a_cohort_knows():
    made = cohort()
    assert (len(made), made.patients, made.studies, made.name) == (4, 2, 4, "mine")
    assert made.image_paths()[1] == Path("/data/images/1.png")
    assert made.labels == made.notes == ()


def test_ids_stay_as_they_are_written():
    assert cohort(study_id=["001", "1", "01", "0"]).pairs["study_id"].to_list() == ["001", "1", "01", "0"]
    assert cohort(patient_id=[7, 7, 8, 8]).pairs["patient_id"].to_list() == ["7", "7", "8", "8"]


def test_an_absent_report_is_an_empty_one():
    assert cohort(report=["a", None, "", "b"]).pairs["report"].to_list() == ["a", "", "", "b"]


@pytest.mark.parametrize(
    "values", [["1", "0", "-1", None], ["1.0", "0.0", "-1.0", ""], ["1", "0", "-1", "  "], [1, 0, -1, None]]
)
def test_a_column_of_ones_noughts_and_minus_ones_is_a_label(values):
    made = cohort(Edema=values)
    assert made.labels == ("Edema",)
    assert made.pairs.schema["Edema"] == pl.Int8
    assert made.pairs["Edema"].to_list() == [1, 0, -1, None]


@pytest.mark.parametrize(
    "values",
    [["1", "0", "2", None], ["yes", "no", "yes", "1"], [None] * 4, [""] * 4, ["nan"] * 4, ["0.5"] * 4],
)
def test_any_other_column_stays_text(values):
    made = cohort(other=values)
    assert made.labels == ()
    assert made.pairs["other"].to_list() == values


def test_a_chexpert_label_that_nobody_has_is_one_all_the_same():
    made = cohort(Fracture=[None] * 4)
    assert made.labels == ("Fracture",)
    assert made.pairs.schema["Fracture"] == pl.Int8


def test_columns_of_the_schema_are_no_labels():
    made = cohort(view=["1", "0", "1", "0"], sex=["1", "1", "0", "0"])
    assert made.labels == ()


def test_ages_are_numbers_of_years():
    assert cohort(age=["40", "", None, "41.5"]).pairs["age"].to_list() == [40, None, None, 41.5]
    assert cohort(age=[40, None, 1, 0]).pairs["age"].to_list() == [40, None, 1, 0]


@pytest.mark.parametrize("age", ["old", "-1", "inf", "4O"])
def test_an_age_that_is_none(age):
    assert refusal(age=["40", "41", age, None]) == (
        "mine.csv row 3 has an age that is neither a number of years nor as 038Y, 006M, 003W or 012D; "
        "correct it or leave it empty."
    )


def test_missing_columns_are_named():
    assert refusal(report=None, image=None) == (
        "mine.csv lacks the column image, report (it has 3 others); add or rename it."
    )


def test_a_table_without_a_header_does_not_print_its_first_row():
    row = ["pair-1", "SECRET patient", "SECRET report", "x", "y"]
    with pytest.raises(InputError) as error:
        Cohort.from_table(pl.DataFrame({cell: ["a"] for cell in row}), Path(), "mine", source="mine.csv")
    assert str(error.value) == (
        "mine.csv lacks the column pair_id, study_id, image, report (it has 5 others); add or rename it."
    )


def test_no_rows():
    assert refusal(rows=0) == "mine.csv has no rows; a cohort needs at least one pair."


@pytest.mark.parametrize("column", ["pair_id", "study_id", "patient_id", "image"])
@pytest.mark.parametrize("empty", [None, "", "  "])
def test_an_empty_id(column, empty):
    values = table()[column].to_list()
    assert refusal(**{column: [values[0], empty, values[2], empty]}) == (
        f"mine.csv has 2 rows without {column}, the first is row 2; fill them."
    )


def test_a_repeated_pair_id():
    assert refusal(pair_id=["a", "b", "c", "b"]) == (
        "mine.csv repeats a pair_id in 2 rows, the first is row 2; every pair needs an id of its own."
    )


def test_a_study_of_two_patients():
    assert refusal(study_id=["s", "t", "t", "u"], patient_id=["p", "p", "q", "q"]) == (
        "mine.csv gives 1 studies more than one patient_id, the first at row 2; "
        "a study belongs to one patient."
    )


@pytest.mark.parametrize(
    "path",
    [
        "../a.png",
        "a/../../b.png",
        "/a.png",
        "~/a.png",
        "C:\\a.png",
        "c:a.png",
        "\\\\host\\a.png",
        "..\\a.png",
        "..",
    ],
)
def test_an_image_that_leaves_the_folder(path):
    assert refusal(image=["a.png", "b.png", path, "c.png"]) == (
        "mine.csv row 3 has an image path that leaves the cohort's folder; "
        "give paths below it, or name the folder that all images lie in with --root."
    )


@pytest.mark.parametrize("path", ["a..png", "a/../b.png", "./a.png", "a/b/../../c.png", "...", "a~/b.png"])
def test_an_image_that_stays_in_the_folder(path):
    assert len(cohort(image=["a.png", "b.png", path, "c.png"])) == 4


@pytest.mark.parametrize(
    ("values", "kind"),
    [([[1], [2], [3], [4]], "List(Int64)"), ([b"\xff"] * 4, "Binary"), ([{"a": 1}] * 4, "Struct")],
)
def test_cells_that_are_no_text_and_no_number(values, kind):
    message = refusal(finding=values)
    assert message.startswith(f"mine.csv holds {kind}")
    assert message.endswith(
        "in the column finding; a cell is a text or a number, turn it into one or leave the column out."
    )


def test_patients_across_splits_are_noted():
    crossing = cohort(patient_id=["p", "p", "q", "q"], split=["train", "test", "test", "test"])
    assert crossing.notes == (
        "1 patient stands in several splits: what is trained on one is not held out from another.",
    )
    assert cohort(patient_id=["p", "p", "q", "q"], split=["train", "train", "test", "test"]).notes == ()


def test_the_fingerprint_changes_with_any_cell_name_and_order():
    plain = cohort(finding=list("abcd"))
    assert cohort(finding=list("abcd")).fingerprint() == plain.fingerprint()
    others = [
        cohort(finding=list("abce")),
        cohort(found=list("abcd")),
        cohort(finding=list("abcd"), report=["x"] * 4),
        Cohort.from_table(table(finding=list("abcd")).reverse(), Path("/data"), "mine"),
    ]
    assert len({plain.fingerprint(), *(other.fingerprint() for other in others)}) == 5


def test_the_salt_of_report_hashes_is_not_what_is_published():
    one, other = cohort(), cohort(report=["x"] * 4)
    assert one.salt() == cohort().salt() != other.salt()
    assert one.salt() not in (one.fingerprint(), other.fingerprint())


def test_no_message_holds_a_report_or_a_patient():
    secret = {"report": ["SECRET"] * 4, "patient_id": ["SECRET", "SECRET", "SECRET-2", "SECRET-2"]}
    messages = [
        refusal(**secret, pair_id=["a", "a", "b", "b"]),
        refusal(**secret, study_id=["s"] * 4),
        refusal(**secret, image=["a", "b", "../c", "d"]),
        refusal(**secret, age=["1", "2", "3", "x"]),
        refusal(**secret, finding=[[1]] * 4),
    ]
    assert not any("SECRET" in message for message in messages)
