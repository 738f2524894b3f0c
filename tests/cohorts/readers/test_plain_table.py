"""Plain tables are held to what every format is: rows of use, wherever their images are named from."""

import gzip

import polars as pl
import pytest
from data_set_trees import picture

from calling import done, refused
from relinkage.cohorts import read_cohort
from relinkage.cohorts.readers import ReadOptions, read
from relinkage.errors import InputError

ROWS = 6


def frame(**changed):
    columns = {
        "pair_id": [f"{row:03d}" for row in range(ROWS)],
        "study_id": [f"s{row}" for row in range(ROWS)],
        "patient_id": [f"p{row // 2}" for row in range(ROWS)],
        "image": [f"img/{row}.png" for row in range(ROWS)],
        "report": [f"Report {row}." for row in range(ROWS)],
        "ward": ["north"] * ROWS,
    }
    return pl.DataFrame(columns | changed)


@pytest.fixture
def tree(tmp_path):
    for row in range(ROWS):
        picture(tmp_path / f"img/{row}.png")
    return tmp_path


def kept(path, **options):
    """Give the row numbers that are kept, and why the others are not."""
    reading = read(path, ReadOptions(**options))
    assert reading.cohort.pairs["ward"].to_list() == ["north"] * len(reading.cohort)
    assert reading.summary.read["rows"] == len(reading.cohort) + sum(reading.summary.dropped.values())
    return [int(pair) for pair in reading.cohort.pairs["pair_id"]], reading.summary.dropped


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_read_drops_and_counts_rows_without_a_report(tree, form):
    table = frame(report=["Report.", None, "", " \t", "NaN", "x" * 1_000_001])
    table.write_csv(tree / "t.csv") if form == "csv" else table.write_parquet(tree / "t.parquet")
    assert kept(tree / f"t.{form}") == ([0], {"no report": 4, "the report is longer than 1 MB": 1})


def test_read_drops_and_counts_rows_whose_image_is_not_on_disk(tree):
    (tree / "img/0.png").rename(tree / "img/0.jpg")  # the suffix may differ
    (tree / "img/1.png").rename(tree / "img/1")  # and need not be one of an image
    (tree / "img/2.png").unlink()
    picture(tree / "img/other.png")
    frame(image=["img/0.png", "img/1", *(f"img/{row}.png" for row in range(2, ROWS))]).write_csv(
        tree / "t.csv"
    )
    assert kept(tree / "t.csv") == ([0, 1, 3, 4, 5], {"the image is not on disk": 1})
    assert read_cohort(tree / "t.csv").pairs["image"].to_list()[:2] == ["img/0.jpg", "img/1"]
    assert kept(tree / "t.csv", unchecked=True) == ([*range(ROWS)], {})


def test_read_refuses_a_table_none_of_whose_images_is_there(tree):
    frame().with_columns(image="nowhere/" + pl.col("image")).write_csv(tree / "t.csv")
    with pytest.raises(InputError, match=r"None of the 6 images that .*t\.csv names is below .*--root"):
        read(tree / "t.csv")


def test_read_refuses_a_list_of_images_in_a_cell(tree):
    frame(image=["img/0.png", "['img/1.png', 'img/2.png']", *["img/3.png"] * 4]).write_csv(tree / "t.csv")
    with pytest.raises(InputError, match=r"t\.csv row 2 has a list of images in its cell; write a"):
        read(tree / "t.csv")


def test_read_keeps_the_rows_of_a_table_beside_which_there_are_no_images(tmp_path):
    frame().write_csv(tmp_path / "t.csv")
    reading = read(tmp_path / "t.csv")
    assert len(reading.cohort) == ROWS
    assert any(note.startswith("There is no folder of images below") for note in reading.cohort.notes)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="None of the 6 images"):
        read(tmp_path / "t.csv", ReadOptions(root=tmp_path / "empty"))


def test_read_takes_absolute_paths_below_the_root(tree, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("tables")
    table = frame().with_columns(image=f"{tree}/" + pl.col("image"))
    table.write_csv(tree / "t.csv")
    table.write_csv(elsewhere / "t.csv")
    link = elsewhere / "link"
    link.symlink_to(tree)
    plain = [f"img/{row}.png" for row in range(ROWS)]
    assert read_cohort(tree / "t.csv").pairs["image"].to_list() == plain
    for root in (tree, tree / "img/..", link):
        assert read_cohort(elsewhere / "t.csv", root).pairs["image"].to_list() == plain
    with pytest.raises(InputError, match=r"row 1 has an image path that leaves .* with --root"):
        read_cohort(elsewhere / "t.csv")
    table.with_columns(image=f"{tree}/../" + pl.col("image")).write_csv(elsewhere / "t.csv")
    with pytest.raises(InputError, match="row 1 has an image path that leaves"):
        read_cohort(elsewhere / "t.csv", tree)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
@pytest.mark.parametrize("packed", [False, True])
def test_read_takes_latin_1_and_gzip_whatever_the_name_says(tree, name, packed):
    content = frame(report=["Œdème normal"] * ROWS).write_csv().encode()
    latin = frame(report=["Résumé normal"] * ROWS).write_csv().encode("latin-1")
    for encoded, wanted in ((content, "Œdème normal"), (latin, "Résumé normal")):
        (tree / name).write_bytes(gzip.compress(encoded) if packed else encoded)
        assert set(read_cohort(tree / name).pairs["report"]) == {wanted}


def test_embed_counts_what_it_cannot_use_and_refuses_too_much_of_it(tree):
    frame(report=["Report.", None, *["Report."] * (ROWS - 2)]).write_csv(tree / "t.csv")
    said = refused(tree, "embed", tree / "t.csv", "--model", "phantom:general", "--out", tree / "emb")
    assert "1 of the 6 rows of" in said
    assert "more than the 5.0% allowed (1 × no report)" in said
    told = done(
        "embed", tree / "t.csv", "--model", "phantom:general", "--out", tree / "emb", "--max-left-out", 0.2
    )
    assert "dropped: 1 no report" in told.err
    assert pl.read_parquet(tree / "emb/pairs.parquet").height == ROWS - 1
