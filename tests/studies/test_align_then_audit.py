"""Towers that share no space: heads are trained on some patients and audited on others."""

import json
import string

import numpy as np
import polars as pl
import pytest
from PIL import Image

from calling import done
from embeddings.sketch_encoder import SketchEncoder
from relinkage.cohorts import read_cohort
from relinkage.embeddings import embed

ROWS = 240


@pytest.fixture(scope="module")
def emb(tmp_path_factory):
    """Embed images whose 16 tiles are as bright as the report has letters a to p: what heads can learn."""
    root = tmp_path_factory.mktemp("letters")
    random = np.random.default_rng(0)
    counts = random.integers(0, 10, (ROWS, 16))
    for row, tiles in enumerate(counts.reshape(-1, 4, 4)):
        Image.fromarray(np.kron(tiles * 25, np.ones((8, 8))).astype(np.uint8)).save(root / f"{row}.png")
    pl.DataFrame(
        {
            "pair_id": [f"pair-{row}" for row in range(ROWS)],
            "study_id": [f"study-{row}" for row in range(ROWS)],
            "patient_id": [f"patient-{row // 2}" for row in range(ROWS)],
            "image": [f"{row}.png" for row in range(ROWS)],
            "report": [
                " ".join(letter * count for letter, count in zip(string.ascii_lowercase, row, strict=False))
                for row in counts
            ],
        }
    ).write_csv(root / "cohort.csv")
    embed(read_cohort(root), SketchEncoder(heads=False), root / "emb")
    return root / "emb"


@pytest.fixture(scope="module")
def heads(emb):
    done("align", emb, "--train", "train", "--dimension", "16", "--lr", "0.01", "--out", emb.parent / "heads")
    return emb.parent / "heads"


def audited(*arguments):
    return json.loads(done("audit", *arguments, "--json").out)


def full(audit):
    """Give Recall@1 over all candidates."""
    return next(row for row in audit["closed_set"] if row["full"] and row["k"] == 1)


def notes_on_training(audit):
    return [note for note in audit["notes"] if "trained the heads" in note]


def test_heads_find_the_reports_of_patients_they_were_not_trained_on(emb, heads):
    audit = audited(emb, "--heads", heads, "--split", "test")
    assert audit["inputs"]["split"] == "test"
    assert audit["patients"] == 32
    assert full(audit)["low"] > 5 * full(audit)["chance"]
    assert not notes_on_training(audit)


@pytest.mark.slow
def test_heads_of_scrambled_links_do_not(emb, tmp_path):
    pairs = pl.read_parquet(emb / "pairs.parquet")
    rows = np.random.default_rng(0).permutation(ROWS)
    scrambled = tmp_path / "emb"
    scrambled.mkdir()
    for file in emb.iterdir():
        (scrambled / file.name).write_bytes(file.read_bytes())
    pairs.with_columns(pl.Series("report_row", rows, pl.Int32)).write_parquet(scrambled / "pairs.parquet")
    done("align", scrambled, "--dimension", "16", "--lr", "0.01", "--out", tmp_path / "heads")
    row = full(audited(scrambled, "--heads", tmp_path / "heads", "--split", "test"))
    assert row["low"] < row["chance"]


def test_the_audit_says_where_its_pairs_trained_the_heads(emb, heads):
    assert notes_on_training(audited(emb, "--heads", heads)) == [
        "176 of the 240 pairs that are looked at trained the heads: they are not held out, and linkage on "
        "them is higher than on new patients."
    ]
    assert "176 of the 176 pairs" in notes_on_training(audited(emb, "--heads", heads, "--split", "train"))[0]
    outcome = done("audit", emb, "--heads", heads)
    assert "Note: 176 of the 240 pairs that are looked at trained the heads" in outcome.err


def test_heads_without_their_manifest_may_have_seen_anything(emb, heads):
    audit = audited(emb, "--heads", heads / "heads.safetensors", "--split", "test")
    assert notes_on_training(audit) == [
        "What trained the heads is not known: the pairs that are looked at may have been among it."
    ]


def test_the_audit_carries_what_is_known_of_the_heads(emb, heads, tmp_path):
    printed = json.loads(done("align", emb, "--steps", "20", "--json", "--out", tmp_path / "brief").out)
    assert (printed["train_split"], printed["pairs"], printed["patients"], printed["steps"]) == (
        "train", 176, 88, 20,
    )  # fmt: skip
    assert audited(emb, "--heads", tmp_path / "brief")["inputs"]["heads"] == {
        "file": "brief",
        "manifest": printed,
    }


def test_the_same_seed_gives_the_same_heads(emb, tmp_path):
    for name, seed in (("one", "3"), ("two", "3"), ("other", "4")):
        done("align", emb, "--steps", "20", "--seed", seed, "--out", tmp_path / name)
    one, two, other = (
        (tmp_path / name / "heads.safetensors").read_bytes() for name in ("one", "two", "other")
    )
    assert one == two
    assert one != other


@pytest.mark.slow
def test_a_report_over_runs_of_differing_splits_says_so(emb, heads, tmp_path):
    for split in ("train", "test"):
        done("audit", emb, "--heads", heads, "--split", split, "--name", split, "--out", tmp_path / split)
    done("page", tmp_path / "train", tmp_path / "test", "--out", tmp_path / "both.html")
    assert "These runs differ in the split" in (tmp_path / "both.html").read_text()
