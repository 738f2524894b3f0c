"""Real radiographs and case notes, from the cohort to the report, where they are on this machine."""

import json
import re

import jsonschema
import polars as pl
import pytest

from calling import done
from real_data import SHARED, real
from relinkage.cohorts.tabular import read_table
from relinkage.linkage.result import AuditResult
from relinkage.linkage.table import read_tables
from relinkage.records import json_schema

DATA = SHARED / "data"
WORDS = 5
"""A sequence of so many words of a report is a passage of it."""


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Embed, align, audit and report; give the folder and everything that was printed."""
    real()
    out = tmp_path_factory.mktemp("chain")
    emb, heads, run = out / "emb", out / "heads", out / "run"
    printed = [
        done(
            "embed", DATA / "covid_chestxray", "--model", f"towers:{DATA / 'encoders/mobilenet_v2'}+tfidf",
            "--split-by", "split_group", "--train-share", "0.7", "--keep", "finding", "--image-size", "224",
            "--out", emb,
        ),
        done("align", emb, "--train", "train", "--out", heads),
        done(
            "audit", emb, "--heads", heads, "--split", "test", "--pool", "5,10,full", "--linkage",
            "--out", run,
        ),
        done("page", run, "--out", out / "page.html"),
    ]  # fmt: skip
    return out, printed


@pytest.mark.slow
def test_real_cases_go_from_the_cohort_to_the_report(chain):
    out, _ = chain
    audit = json.loads((out / "run/audit.json").read_text())
    jsonschema.Draft202012Validator(json_schema(AuditResult)).validate(audit)
    pairs = pl.read_parquet(out / "emb/pairs.parquet")
    cohort = read_table(DATA / "covid_chestxray/pairs.csv")
    assert len(pairs) == len(cohort) == 96
    assert "finding" in pairs.columns
    test = pairs.filter(pl.col("split") == "test")
    assert (audit["queries"], audit["patients"]) == (len(test), test["patient_id"].n_unique())
    groups = cohort.join(pairs.select("pair_id", "split"), on="pair_id").group_by("split_group")
    assert groups.agg(pl.col("split").n_unique())["split"].max() == 1
    assert len(read_tables(out / "run/linkage.parquet")[0]) == len(test)
    assert not [note for note in audit["notes"] if "trained the heads" in note]
    model = audit["inputs"]["model"]
    assert model["id"] == "towers:mobilenet_v2+tfidf"
    assert model["image_features"] == 1280
    assert audit["name"] in (out / "page.html").read_text()


@pytest.mark.slow
def test_no_passage_of_a_report_and_no_patient_is_in_what_is_read_or_printed(chain):
    out, printed = chain
    cohort = read_table(DATA / "covid_chestxray/pairs.csv")
    passages = set().union(*(sequences(report) for report in cohort["report"]))
    assert sequences((DATA / "covid_chestxray/pairs.csv").read_text()) & passages, "the search finds nothing"
    texts = {file: readable(file) for file in out.rglob("*") if file.is_file()}
    assert {file.suffix for file in texts} >= {
        ".parquet",
        ".safetensors",
        ".json",
        ".html",
        ".md",
        ".svg",
        ".csv",
    }
    texts |= {f"output {number}": outcome.out + outcome.err for number, outcome in enumerate(printed)}
    for place, text in texts.items():
        for version in (text, re.sub(r"<[^>]*>", "", text), re.sub(r"<[^>]*>", " ", text)):
            assert not sequences(version) & passages, place


def sequences(text):
    """Give all sequences of `WORDS` words, without case and punctuation."""
    words = re.findall(r"[^\W_]+", text.casefold())
    return {tuple(words[start : start + WORDS]) for start in range(len(words) - WORDS + 1)}


def readable(file):
    """Give a file as text: its bytes, and the cells where it is a compressed table."""
    cells = pl.read_parquet(file).write_csv() if file.suffix == ".parquet" else ""
    return file.read_bytes().decode("utf-8", "replace") + cells
