"""Embeddings read back: splits, projections, and folders that are not what they should be."""

import json
import shutil

import jsonschema
import numpy as np
import polars as pl
import pytest
import torch
from safetensors.numpy import load_file, save_file
from sketch_encoder import SketchEncoder

from relinkage.embeddings import EmbedSettings, embed, read_embeddings
from relinkage.embeddings.manifest import Beginning, Manifest
from relinkage.encoders import HeadPair, HeadSpec, save_heads
from relinkage.errors import InputError
from relinkage.records import json_schema, json_text, read_record, write_record


@pytest.fixture
def emb(make_cohort, tmp_path):
    embed(make_cohort(), SketchEncoder(), tmp_path / "emb", settings=EmbedSettings(batch=4, shard_rows=4))
    return tmp_path / "emb"


def test_a_split_keeps_its_pairs_with_their_own_vectors(emb):
    whole = read_embeddings(emb)
    part = whole.split("test")
    rows = np.flatnonzero((whole.pairs["split"] == "test").to_numpy())
    assert 0 < len(part) < len(whole)
    assert np.array_equal(part.image_features, whole.image_features[rows])
    assert np.array_equal(part.image_embeddings, whole.image_embeddings[rows])
    for arrays in ("text_features", "text_embeddings"):
        ours, theirs = getattr(part, arrays), getattr(whole, arrays)
        before = theirs[whole.pairs["report_row"].to_numpy()[rows]]
        assert np.array_equal(ours[part.pairs["report_row"].to_numpy()], before)
    assert len(part.text_features) == part.pairs["report_hash"].n_unique()
    with pytest.raises(InputError, match=r"no pair in the split validate \(it has: test, train\)"):
        whole.split("validate")


def test_rows_are_selected_by_number_in_the_order_given(emb):
    whole = read_embeddings(emb)
    part = whole.select([7, 2])
    assert part.pairs["pair_id"].to_list() == ["pair-7", "pair-2"]
    assert np.array_equal(part.image_features, whole.image_features[[7, 2]])
    assert len(part.text_features) == 1


def test_heads_project_features_to_unit_vectors_whatever_the_batch(emb):
    whole = read_embeddings(emb)
    torch.manual_seed(1)
    heads = HeadPair(HeadSpec("mlp", 16, 3, True, 8, 0.5), HeadSpec("mlp", 26, 3, True, 8, 0.5)).train()
    images, texts = whole.project(heads)
    assert images.shape == (11, 3)
    assert texts.shape == (4, 3)
    assert images.dtype == texts.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(images, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(whole.project(heads, batch=3)[0], images, atol=1e-6)
    own, _ = whole.project(whole.heads)
    np.testing.assert_allclose(own, whole.image_embeddings, atol=1e-6)


def test_heads_of_other_widths_are_refused(emb):
    heads = HeadPair(HeadSpec("linear", 16, 3), HeadSpec("linear", 384, 3))
    with pytest.raises(InputError, match=r"16 and 384 dimensions, .* has 16 and 26"):
        read_embeddings(emb).project(heads)


def test_embeddings_can_be_moved(emb, tmp_path):
    moved = read_embeddings(shutil.move(emb, tmp_path / "elsewhere"))
    assert moved.heads.image_spec.features == 16
    assert moved.labels == ("Edema",)


def with_nan(features):
    features[1, 2] = np.nan
    return features


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (
            "image-00001.safetensors",
            with_nan,
            "image-00001.safetensors holds NaN or infinity among its features",
        ),
        ("image-00002.safetensors", lambda f: f[:2], "image-00002.safetensors does not hold the features"),
        (
            "text-00000.safetensors",
            lambda f: f[:, :9].copy(),
            "text-00000.safetensors does not hold the feat",
        ),
        ("text-00000.safetensors", lambda f: f.astype(np.float64), "does not hold the features"),
    ],
)
def test_a_shard_that_is_not_what_the_manifest_says_is_refused(emb, file, change, message):
    tensors = load_file(emb / file)
    tensors["features"] = change(tensors["features"])
    save_file(tensors, emb / file)
    with pytest.raises(InputError, match=message):
        read_embeddings(emb)


def test_own_heads_that_are_damaged_or_others_are_noticed_when_the_folder_is_read(emb):
    save_heads(HeadPair(HeadSpec("linear", 16, 3), HeadSpec("linear", 26, 3)), emb / "heads.safetensors")
    with pytest.raises(InputError, match=r"heads\.safetensors holds other heads than the manifest states"):
        read_embeddings(emb)
    (emb / "heads.safetensors").write_bytes(b"half of it")
    with pytest.raises(InputError, match=r"heads\.safetensors is damaged"):
        read_embeddings(emb)
    shutil.copy(emb / "text-00000.safetensors", emb / "heads.safetensors")
    with pytest.raises(InputError, match=r"heads\.safetensors holds no projection heads; copy the"):
        read_embeddings(emb)


def test_missing_and_damaged_files_are_named(emb, tmp_path):
    for file, message in (
        ("image-00001.safetensors", "image-00001.safetensors is missing"),
        ("pairs.parquet", "pairs.parquet does not exist"),
        ("manifest.json", "is not an embeddings folder"),
        ("heads.safetensors", "heads.safetensors is missing; copy the embeddings folder whole"),
    ):
        copy = shutil.copytree(emb, tmp_path / f"without {file}")
        (copy / file).unlink()
        with pytest.raises(InputError, match=message):
            read_embeddings(copy)
    (emb / "text-00000.safetensors").write_bytes(b"half of it")
    with pytest.raises(InputError, match=r"text-00000\.safetensors is damaged"):
        read_embeddings(emb)


def test_a_table_that_does_not_fit_its_shards_is_refused(emb):
    pairs = read_embeddings(emb).pairs
    pairs.head(5).write_parquet(emb / "pairs.parquet")
    with pytest.raises(InputError, match=r"does not fit its shards \(5 rows, 11 images, 4 reports\)"):
        read_embeddings(emb)
    pairs.drop("report_row").write_parquet(emb / "pairs.parquet")
    with pytest.raises(InputError, match="lacks the column report_row"):
        read_embeddings(emb)


def test_another_schema_is_refused(emb):
    manifest = json.loads((emb / "manifest.json").read_text())
    (emb / "manifest.json").write_text(json.dumps(manifest | {"schema": "relinkage.embeddings/9"}))
    with pytest.raises(InputError, match=r"is not the manifest of .* \(schema relinkage\.embeddings/1\);"):
        read_embeddings(emb)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("labels", ["Drusen"], "names labels that pairs.parquet does not hold"),
        ("labels", ["Edema", "Edema"], "names labels that pairs.parquet does not hold"),
        ("labels", ["patient_id"], "names labels that pairs.parquet does not hold"),
        ("labels", None, "the value of labels is not what this release writes"),
        ("shards", {"image": [4, 4, 3, 2], "text": [4]}, "image-00003.safetensors is missing"),
        ("shards", {"image": [10**12, 4, 3], "text": [4]}, "image-00000.safetensors does not hold the feat"),
        ("shards", {"image": [4, 4, 3], "text": []}, "does not fit its shards"),
        ("shards", {"image": [4, 4], "text": [4]}, "does not fit its shards"),
        ("shards", {"image": [4, 4, -3], "text": [4]}, r"the value of shards\.image\[2\] is not what"),
        ("further", 1, "it holds an unknown field"),
    ],
)
def test_what_a_manifest_states_has_to_be_there(emb, field, value, message):
    manifest = json.loads((emb / "manifest.json").read_text())
    (emb / "manifest.json").write_text(json.dumps(manifest | {field: value}))
    with pytest.raises(InputError, match=message):
        read_embeddings(emb)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pl.lit(None, pl.Int32).alias("report_row"), "does not fit its shards"),
        (pl.lit("0").alias("report_row"), "has another column report_row than was written"),
        (pl.lit(1).alias("truncated"), "has another column truncated than was written"),
        (pl.lit(0).alias("patient_id"), "has another column patient_id than was written"),
        (pl.lit("yes").alias("Edema"), "names labels that pairs.parquet does not hold"),
    ],
)
def test_a_table_of_other_columns_is_refused(emb, column, message):
    pl.read_parquet(emb / "pairs.parquet").with_columns(column).write_parquet(emb / "pairs.parquet")
    with pytest.raises(InputError, match=message):
        read_embeddings(emb)


def test_a_manifest_is_read_back_as_it_was_written_and_its_schema_takes_it(emb, tmp_path):
    made = read_embeddings(emb).manifest
    told = json.loads((emb / "manifest.json").read_text())
    jsonschema.Draft202012Validator(json_schema(Manifest)).validate(told)
    write_record(tmp_path / "again.json", made)
    assert (tmp_path / "again.json").read_bytes() == (emb / "manifest.json").read_bytes()
    begun = Beginning(**{name: getattr(made, name) for name in Beginning.__struct_fields__})
    write_record(tmp_path / "begun.json", begun)
    assert read_record(tmp_path / "begun.json", Beginning, "progress", "begin again") == begun
    jsonschema.Draft202012Validator(json_schema(Beginning)).validate(json.loads(json_text(begun)))
