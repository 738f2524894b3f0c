"""Cohorts from CSV and Parquet files, and from folders that hold one."""

import gzip

import polars as pl
import pytest

from relinkage.cohorts import read_cohort
from relinkage.cohorts.tabular import read_table
from relinkage.errors import InputError

CSV = """pair_id,study_id,patient_id,image,report,Edema,age
001,01,7,a.png,"No oedema, no effusion.",0,40
002,02,7,b.png,Œdème pulmonaire.,1,
"""


@pytest.fixture
def frame():
    return pl.read_csv(CSV.encode(), infer_schema=False)


def check(cohort, root):
    assert cohort.pairs["pair_id"].to_list() == ["001", "002"]
    assert cohort.pairs["report"].to_list() == ["No oedema, no effusion.", "Œdème pulmonaire."]
    assert cohort.pairs["Edema"].to_list() == [0, 1]
    assert cohort.pairs["age"].to_list() == [40, None]
    assert cohort.labels == ("Edema",)
    assert cohort.root == root


def test_a_csv_file(tmp_path):
    (tmp_path / "some.csv").write_text(CSV, encoding="utf-8")
    cohort = read_cohort(tmp_path / "some.csv")
    check(cohort, tmp_path)
    assert cohort.name == "some"


def test_a_gzipped_csv_file(tmp_path):
    (tmp_path / "some.csv.gz").write_bytes(gzip.compress(CSV.encode()))
    check(read_cohort(str(tmp_path / "some.csv.gz")), tmp_path)


def test_a_parquet_file(tmp_path, frame):
    frame.write_parquet(tmp_path / "some.parquet")
    check(read_cohort(tmp_path / "some.parquet"), tmp_path)


@pytest.mark.parametrize("name", ["some.pq", "some.parq", "some.PARQUET", "some", "some.csv", "some.csv.gz"])
def test_parquet_is_known_by_its_content(tmp_path, frame, name):
    frame.write_parquet(tmp_path / name)
    check(read_cohort(tmp_path / name), tmp_path)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("name", ["some.csv", "some.CSV", "some.tsv"])
def test_other_separators_than_the_comma(tmp_path, frame, name, separator):
    frame.write_csv(tmp_path / name, separator=separator)
    check(read_cohort(tmp_path / name), tmp_path)


def test_all_three_are_one_cohort(tmp_path, frame):
    (tmp_path / "a.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(CSV.encode()))
    frame.write_parquet(tmp_path / "a.parquet")
    names = ("a.csv", "a.csv.gz", "a.parquet")
    assert len({read_cohort(tmp_path / name).fingerprint() for name in names}) == 1


@pytest.mark.parametrize("name", ["cohort.csv", "pairs.csv", "cohort.parquet", "pairs.parquet"])
def test_a_folder_that_holds_one(tmp_path, frame, name):
    folder = tmp_path / "hospital"
    folder.mkdir()
    if name.endswith("csv"):
        (folder / name).write_text(CSV, encoding="utf-8")
    else:
        frame.write_parquet(folder / name)
    cohort = read_cohort(folder)
    check(cohort, folder)
    assert cohort.name == "hospital"


def test_images_may_lie_elsewhere(tmp_path):
    (tmp_path / "some.csv").write_text(CSV, encoding="utf-8")
    check(read_cohort(tmp_path / "some.csv", root=tmp_path / "images"), tmp_path / "images")


def test_line_breaks_and_quotes_in_reports_survive(tmp_path):
    report = 'Findings: "clear".\n\nImpression:\nnormal, no change'
    frame = pl.DataFrame(
        {"pair_id": ["1"], "study_id": ["1"], "patient_id": ["1"], "image": ["a"], "report": [report]}
    )
    frame.write_csv(tmp_path / "some.csv")
    assert read_cohort(tmp_path / "some.csv").pairs["report"].to_list() == [report]


def refusal(path):
    with pytest.raises(InputError) as error:
        read_cohort(path)
    return str(error.value)


def test_nothing_there(tmp_path):
    assert refusal(tmp_path / "none.csv") == (
        f"{tmp_path}/none.csv does not exist; name a cohort's table or folder."
    )
    with pytest.raises(InputError) as error:
        read_table(tmp_path / "none.csv")
    assert str(error.value) == f"{tmp_path}/none.csv does not exist; name a CSV or Parquet file."


def test_a_folder_without_a_table(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    assert refusal(tmp_path).startswith(
        f"{tmp_path} holds no cohort table; put cohort.parquet or cohort.csv there, or name a folder with "
    )


@pytest.mark.parametrize("name", ["some.xlsx", "some.txt", "some"])
def test_a_file_of_another_kind(tmp_path, name):
    (tmp_path / name).write_text("a\tb")
    assert refusal(tmp_path / name) == (
        f"{tmp_path}/{name} is not a cohort table; name a .csv, .csv.gz or .parquet file, or a folder that "
        "holds one."
    )


def test_an_empty_file(tmp_path):
    (tmp_path / "some.csv").write_text("")
    assert refusal(tmp_path / "some.csv") == (
        f"{tmp_path}/some.csv is empty; it needs a header and at least one row."
    )


def test_a_header_and_no_more(tmp_path):
    (tmp_path / "some.csv").write_text(CSV.splitlines()[0])
    assert refusal(tmp_path / "some.csv").endswith("some.csv has no rows; a cohort needs at least one pair.")


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("some.csv", CSV.encode() + b"a,b,c,d,e,f,g,h,i\n", "CSV"),
        ("some.csv.gz", gzip.compress(CSV.encode())[:-20], "CSV"),
        ("some.parquet", CSV.encode(), "Parquet"),
        ("some.parquet", b"", "Parquet"),
        ("some.parquet", b"PAR1" + bytes(40) + b"PAR1", "Parquet"),
    ],
)
def test_a_damaged_file(tmp_path, name, content, kind):
    (tmp_path / name).write_bytes(content)
    message = refusal(tmp_path / name)
    assert message.startswith(f"{tmp_path}/{name} cannot be read as {kind} (")
    assert message.endswith("; check the file.")


def test_what_breaks_the_schema_is_said_with_the_files_name(tmp_path):
    (tmp_path / "some.csv").write_text(CSV.replace("study_id", "subject"), encoding="utf-8")
    assert refusal(tmp_path / "some.csv").startswith(
        f"{tmp_path}/some.csv lacks the column study_id (it has 7"
    )
