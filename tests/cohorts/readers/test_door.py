"""One door: a table, a folder that is recognised, a format by its name; and the command that goes through."""

import json

import jsonschema
import polars as pl
import pytest
from data_set_trees import (
    chexpert,
    imagefolder,
    mimic,
    mimic_dicom,
    nlmcxr,
    open_i,
    parquet,
    r2gen,
    saved_to_disk,
    shards,
)

from calling import done, files, refused
from embeddings.sketch_encoder import SketchEncoder
from relinkage.cohorts import read_cohort
from relinkage.cohorts.readers import NAMES, CohortSummary, ReadOptions, read
from relinkage.cohorts.readers.recognise import FORMATS, TABLE
from relinkage.errors import InputError
from relinkage.records import json_schema, json_text

TREES = {
    "mimic-cxr-jpg": mimic,
    "chexpert-plus": chexpert,
    "open-i": open_i,
    "open-i-xml": nlmcxr,
    "huggingface": saved_to_disk,
    "webdataset": shards,
    "mimic-cxr": mimic_dicom,
    "r2gen": r2gen,
    "imagefolder": imagefolder,
}


def table(folder):
    """A plain table with two views."""
    folder.mkdir(exist_ok=True)
    rows = {
        "pair_id": ["1", "2", "3"],
        "study_id": ["a", "a", "b"],
        "patient_id": ["p", "p", "q"],
        "image": ["1.png", "2.png", "3.png"],
        "report": ["Clear lungs.", "Clear lungs.", "clear  LUNGS."],
        "view": ["AP", "lateral", None],
        "ward": ["north", "north", "south"],
    }
    pl.DataFrame(rows).write_csv(folder / "cohort.csv")
    return folder


@pytest.mark.parametrize("name", TREES)
def test_every_format_is_recognised_and_can_be_named(tmp_path, name):
    root = tmp_path / "tree"
    root.mkdir()
    TREES[name](root)
    seen = read(root)
    assert seen.summary.format == name
    assert read(root, format=name).cohort.fingerprint() == seen.cohort.fingerprint()
    assert read_cohort(f"{name}:{root}").fingerprint() == seen.cohort.fingerprint()


def test_the_names_of_the_command_line_are_those_of_the_readers():
    assert set(NAMES) == {*FORMATS, TABLE}


def test_a_folder_of_two_formats_is_refused_until_one_is_named(tmp_path):
    root = table(mimic(tmp_path / "tree"))
    with pytest.raises(InputError, match=r"fits several formats \(mimic-cxr-jpg, table\); choose one"):
        read(root)
    assert len(read_cohort(f"table:{root}")) == 3
    assert len(read_cohort(root / "cohort.csv")) == 3
    assert len(read_cohort(root, format="mimic-cxr-jpg")) == 7


def test_a_folder_of_another_format_than_named_is_refused(tmp_path):
    root = open_i(tmp_path)
    for name in set(TREES) - {"open-i", "open-i-xml"}:
        with pytest.raises(InputError, match=r"holds no|describe no"):
            read(root, format=name)


def test_a_plain_table_keeps_its_rows_and_columns(tmp_path):
    reading = read(table(tmp_path / "hospital"))
    assert reading.summary.format == "table"
    assert reading.cohort.pairs["ward"].to_list() == ["north", "north", "south"]
    assert reading.summary.studies_with_a_shared_report == 2
    split = read(tmp_path / "hospital", ReadOptions(split="random", train_share=0.5)).summary.splits
    assert {name: counts.patients for name, counts in split.items()} == {"test": 1, "train": 1}


def test_views_of_a_plain_table_are_counted(tmp_path):
    summary = read(table(tmp_path), ReadOptions(views="frontal")).summary
    assert summary.pairs == 1
    assert summary.dropped == {"the view is not frontal": 1, "the view is not known": 1}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (ReadOptions(section="findings"), "section says nothing to the format table"),
        (ReadOptions(split="official"), "has no split of its own"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, options, says):
    with pytest.raises(InputError, match=says):
        read(table(tmp_path), options)


def test_a_share_that_leaves_nothing_is_refused():
    with pytest.raises(InputError, match=r"train_share 1.5 is not .*; give a number above 0 and below 1"):
        ReadOptions(train_share=1.5)


def test_the_command_writes_a_table_and_says_what_it_holds(tmp_path):
    root, out = mimic(tmp_path / "mimic"), tmp_path / "cohorts/cohort.parquet"
    outcome = done("cohort", root, "--out", out, "--views", "frontal", "--split", "random", "--seed", 1)
    assert outcome.out == ""
    assert "kept: 3 pairs" in outcome.err
    assert f"relative to {root}" in outcome.err
    again = read_cohort(out, root)
    options = ReadOptions(views="frontal", split="random", seed=1)
    assert again.pairs.equals(read(root, options).cohort.pairs)
    assert all(path.is_file() for path in again.image_paths())


def test_the_command_prints_the_summary_alone_as_json(tmp_path):
    root = chexpert(tmp_path)
    before = files(tmp_path)
    told = json.loads(done("cohort", root, "--json").out)
    jsonschema.Draft202012Validator(json_schema(CohortSummary)).validate(told)
    assert json.loads(json_text(read(root).summary)) == told
    assert (told["schema"], told["pairs"], told["format"]) == ("relinkage.cohort/1", 5, "chexpert-plus")
    assert told["labels"]["Edema"] == {"positive": 2, "negative": 1, "uncertain": 1, "not mentioned": 1}
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("cohort nowhere", "nowhere does not exist"),
        ("cohort plus --out plus/letter.txt", "name a .parquet or .csv file"),
        ("cohort plus --out plus/df_chexpert_plus_240401.csv/x.csv", "a folder or a file is in its place"),
        ("cohort plus --out plus/df_chexpert_plus_240401.csv", "is there and is not a cohort table"),
        ("cohort plus/df_chexpert_plus_240401.csv --out plus/df_chexpert_plus_240401.csv", "is read from"),
        ("cohort plus --section lungs", "--section names 'lungs'"),
        ("cohort plus --labels negbio", "--labels is 'negbio'; CheXpert Plus has impression"),
        ("cohort plus --patients plus", "--patients says nothing to the format chexpert-plus"),
        ("cohort plus --format mimic-cxr-jpg", "holds no mimic-cxr-2.0.0-metadata.csv"),
        ("cohort plus --root nowhere", "--root nowhere does not exist"),
        ("cohort plus --format mimic", "--format mimic is not a valid format; give mimic-cxr-jpg, "),
    ],
)
def test_what_cannot_be_read_or_written_is_refused_in_a_sentence(tmp_path, monkeypatch, line, says):
    chexpert(tmp_path / "plus")
    monkeypatch.chdir(tmp_path)
    assert says in refused(tmp_path, *line.split())


def test_embed_takes_a_folder_or_a_format_and_says_first_what_it_read(tmp_path, monkeypatch):
    monkeypatch.setattr("relinkage.encoders.load_encoder", lambda model, options: SketchEncoder())
    root = mimic(tmp_path / "mimic")
    outcome = done("embed", root, "--model", "sketch", "--out", tmp_path / "emb")
    assert "read: 7 rows of metadata" in outcome.err
    assert "7 pairs embedded" in outcome.err
    again = done("embed", f"mimic-cxr-jpg:{root}", "--model", "sketch", "--out", tmp_path / "emb")
    assert "7 pairs were embedded before, nothing was done" in again.err


def test_a_parquet_data_set_may_be_named_by_its_file(tmp_path):
    file = parquet(tmp_path) / "data/train-00000-of-00001.parquet"
    assert read(file).summary.format == "huggingface"
