"""Trained heads on disk say what they were trained on, and are whole or absent."""

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
import torch

import relinkage
from embeddings.manifests import sketched_card, sketched_manifest
from relinkage.alignment import AlignSettings, align, read_heads, train_heads
from relinkage.embeddings import Embeddings
from relinkage.errors import InputError

SETTINGS = AlignSettings(dimension=4, steps=12)


@pytest.fixture
def embeddings():
    """Sixty pairs of thirty patients; two of three reports are shared by the patient's two pairs."""
    rng = np.random.default_rng(0)
    pairs = pl.DataFrame(
        {
            "pair_id": [f"pair-{row}" for row in range(60)],
            "patient_id": [f"patient-{row // 2}" for row in range(60)],
            "split": ["train" if row < 40 else "test" for row in range(60)],
            "report_row": [row // 2 if row % 6 < 4 else row // 2 + 30 * (row % 2) for row in range(60)],
        }
    )
    manifest = sketched_manifest(sketched_card(), fingerprint="sha256:00")
    return Embeddings(
        pairs,
        rng.normal(size=(60, 7)).astype(np.float32),
        rng.normal(size=(60, 5)).astype(np.float32),
        None,
        None,
        manifest,
        Path("emb"),
    )


def same_heads(one, other):
    one, other = one.state_dict(), other.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_what_is_written_is_read(embeddings, tmp_path):
    made = align(embeddings, "train", SETTINGS, tmp_path / "heads")
    read = read_heads(tmp_path / "heads")
    assert read.manifest == made.manifest
    assert same_heads(read.pair, made.pair)
    assert not read.pair.training
    assert {path.name for path in (tmp_path / "heads").iterdir()} == {"heads.safetensors", "manifest.json"}


def test_the_manifest_says_what_the_heads_were_trained_on(embeddings, tmp_path):
    align(embeddings, "train", SETTINGS, tmp_path / "heads")
    manifest = json.loads((tmp_path / "heads/manifest.json").read_text())
    row, patient = embeddings.pairs["report_row"].to_numpy()[:40], np.arange(40) // 2
    features = embeddings.image_features[:40], embeddings.text_features[row]
    losses = train_heads(*features, patient, SETTINGS).losses
    assert manifest.pop("first_loss") == pytest.approx(losses[0])
    assert manifest.pop("last_loss") == pytest.approx(losses[2:].mean())
    assert manifest == {
        "origin": "align",
        "schema": "relinkage.heads/1",
        "version": relinkage.__version__,
        "model": "sketch",
        "model_revision": "r1",
        "norm": None,
        "cohort_fingerprint": "sha256:00",
        "train_split": "train",
        "pairs": 40,
        "patients": 20,
        "settings": {
            "objective": "infonce",
            "weights": {"bce": 1.0, "supcon": 1.0, "clip": 1.0},
            "classes": "abnormal",
            "head": "linear",
            "dimension": 4,
            "hidden": 512,
            "dropout": 0.1,
            "temperature": 0.07,
            "steps": 12,
            "batch": 1024,
            "lr": 3e-3,
            "weight_decay": 1e-2,
            "validation": None,
            "patience": 4,
            "same_patient_negatives": False,
            "seed": 0,
        },
        "steps": 12,
        "kept_steps": 12,
        "validation": [],
        "privacy": None,
    }


def test_only_the_named_split_plays_a_part(embeddings, tmp_path):
    made = align(embeddings, "train", SETTINGS, tmp_path / "heads")
    row = embeddings.pairs["report_row"].to_numpy()[:40]
    patient = np.arange(40) // 2
    alone = train_heads(embeddings.image_features[:40], embeddings.text_features[row], patient, SETTINGS)
    for name, tensor in made.pair.state_dict().items():
        torch.testing.assert_close(tensor, alone.heads.state_dict()[name])
    held_out = align(embeddings, "test", SETTINGS, tmp_path / "others")
    assert not same_heads(held_out.pair, made.pair)


def test_one_seed_gives_the_same_bytes(embeddings, tmp_path):
    for name in ("one", "two"):
        align(embeddings, "train", SETTINGS, tmp_path / name)
    one, two = ((tmp_path / name / "heads.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two


def test_earlier_heads_are_replaced_and_other_things_are_not(embeddings, tmp_path):
    align(embeddings, "train", SETTINGS, tmp_path / "heads")
    align(embeddings, "test", SETTINGS, tmp_path / "heads")
    assert read_heads(tmp_path / "heads").manifest.train_split == "test"
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="mine holds files that relinkage did not write; name a new"):
        align(embeddings, "train", SETTINGS, mine)
    assert (mine / "thesis.txt").read_text() == "years of work"


def test_a_split_that_is_not_there_leaves_nothing(embeddings, tmp_path):
    with pytest.raises(InputError, match=r"emb has no pair in the split val \(it has: test, train\)"):
        align(embeddings, "val", SETTINGS, tmp_path / "heads")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [AlignSettings(dimension=4, steps=12, lr=1e30), AlignSettings(head="mlp", steps=12, lr=1e38)],
)
def test_a_training_that_diverges_says_so_and_leaves_nothing(embeddings, tmp_path, wrong):
    with pytest.raises(InputError) as error:
        align(embeddings, "train", wrong, tmp_path / "heads")
    assert str(error.value).startswith("Training diverged at step ")
    assert str(error.value).endswith("; give a smaller lr or a larger temperature.")
    assert list(tmp_path.iterdir()) == []


def test_bare_heads_have_no_manifest(embeddings, tmp_path):
    made = align(embeddings, "train", SETTINGS, tmp_path / "heads")
    bare = read_heads(tmp_path / "heads/heads.safetensors")
    assert bare.manifest is None
    assert same_heads(bare.pair, made.pair)


def refusal(path):
    with pytest.raises(InputError) as error:
        read_heads(path)
    return str(error.value)


def test_nothing_there(tmp_path):
    assert refusal(tmp_path / "none") == (
        f"{tmp_path}/none does not exist; name the heads that `relinkage align` wrote."
    )


def test_a_folder_without_a_manifest(tmp_path):
    assert refusal(tmp_path) == (
        f"{tmp_path} holds no trained heads; name a folder that `relinkage align` wrote."
    )


def test_a_folder_of_something_else(tmp_path):
    (tmp_path / "manifest.json").write_text('{"schema": "relinkage.embeddings/1"}')
    assert refusal(tmp_path) == (
        f"{tmp_path} holds no trained heads; name a folder that `relinkage align` wrote."
    )


def test_a_folder_that_lost_its_heads(embeddings, tmp_path):
    align(embeddings, "train", SETTINGS, tmp_path / "heads")
    (tmp_path / "heads/heads.safetensors").unlink()
    assert refusal(tmp_path / "heads").startswith(f"{tmp_path}/heads/heads.safetensors does not exist;")


def test_a_file_that_holds_no_heads(tmp_path):
    (tmp_path / "heads.safetensors").write_bytes(b"not tensors")
    assert refusal(tmp_path / "heads.safetensors").startswith(
        f"{tmp_path}/heads.safetensors cannot be read as projection heads ("
    )


def test_align_refuses_labels_that_are_empty_in_the_split(embeddings, tmp_path):
    values = [None if row < 40 else row % 2 for row in range(60)]
    pairs = embeddings.pairs.with_columns(Edema=pl.Series(values, dtype=pl.Int8))
    labelled = replace(
        embeddings, pairs=pairs, manifest=msgspec.structs.replace(embeddings.manifest, labels=("Edema",))
    )
    settings = AlignSettings(objective="multi-task", dimension=4, steps=2)
    with pytest.raises(InputError, match="which multi-task looks at, but they are empty"):
        align(labelled, "train", settings, tmp_path / "heads")
    assert not (tmp_path / "heads").exists()
    align(labelled, "test", settings, tmp_path / "heads")
