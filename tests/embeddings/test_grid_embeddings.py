"""Grids of features: kept in half precision beside their mean, and read a few at a time for heads."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from msgspec.structs import replace
from PIL import Image
from safetensors.numpy import load_file, save_file

from calling import done, refused
from embeddings.sketch_encoder import REPORTS, SketchEncoder
from relinkage.alignment import read_heads
from relinkage.cohorts import read_cohort
from relinkage.embeddings import EmbedSettings, embed, read_embeddings
from relinkage.encoders import HeadPair, HeadSpec, save_heads
from relinkage.errors import InputError

ROWS, POSITIONS = 11, 4


class GridEncoder(SketchEncoder):
    """The sketch of each quarter of an image: a grid of four positions with sixteen channels."""

    def __init__(self, *, heads=True, scale=1.0):
        super().__init__(heads=False)
        spec = HeadSpec("grid", 16, 4, bias=True, hidden=8, norm="frozen")
        self.heads = HeadPair(spec, HeadSpec("linear", 26, 4)).eval() if heads else None
        self.card = replace(self.card, embedding=4 if heads else None, image_positions=POSITIONS)
        self._scale = scale

    def encode_images(self, pixels):
        quarters = pixels.reshape(-1, 2, 16, 2, 16).transpose(2, 3).reshape(-1, POSITIONS, 4, 4, 4, 4)
        return (quarters.mean((3, 5)).flatten(2) * self._scale).numpy()


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    shades = np.random.default_rng(0).integers(0, 256, (ROWS, 32, 32), dtype=np.uint8)
    for row in range(ROWS):
        Image.fromarray(shades[row]).save(folder / f"{row}.png")
    (folder / "5.png").write_text("no image")
    ids = [str(row) for row in range(ROWS)]
    pl.DataFrame(
        {
            "pair_id": ids,
            "study_id": ids,
            "patient_id": ids,
            "image": [f"{row}.png" for row in range(ROWS)],
            "report": [f"{REPORTS[row % 4]} Case {row}." for row in range(ROWS)],
        }
    ).write_csv(folder / "cohort.csv")
    return read_cohort(folder / "cohort.csv")


SETTINGS = EmbedSettings(batch=3, shard_rows=4, max_left_out=0.2)


@pytest.fixture(scope="module")
def embedded(cohort, tmp_path_factory):
    return embed(cohort, GridEncoder(), tmp_path_factory.mktemp("out") / "emb", settings=SETTINGS)


def whole_grid(embeddings):
    return np.concatenate(list(embeddings.image_grid.batches(3)))


def test_the_grid_is_kept_in_half_precision_with_its_mean_beside_it(embedded):
    grid = whole_grid(embedded)
    assert grid.shape == (ROWS - 1, POSITIONS, 16)
    assert len(embedded.image_grid) == len(embedded) == ROWS - 1
    assert load_file(embedded.path / "image-00000.safetensors")["grid"].dtype == np.float16
    np.testing.assert_allclose(embedded.image_features, grid.mean(1), atol=1e-6)


def test_own_embeddings_are_those_of_the_grid(embedded):
    images, texts = embedded.project(embedded.heads, batch=8)
    np.testing.assert_allclose(images, embedded.image_embeddings, atol=1e-6)
    np.testing.assert_allclose(texts, embedded.text_embeddings, atol=1e-6)
    with torch.inference_mode():
        wanted = embedded.heads.embed_images(torch.from_numpy(whole_grid(embedded))).numpy()
    np.testing.assert_allclose(images, wanted, atol=1e-6)


def test_chosen_rows_keep_their_own_grids_in_any_order(embedded):
    rows = [8, 1, 5, 5, 0]
    np.testing.assert_array_equal(whole_grid(embedded.select(rows)), whole_grid(embedded)[rows])
    again = embedded.select(rows).select([2, 0])
    np.testing.assert_array_equal(whole_grid(again), whole_grid(embedded)[[5, 8]])
    np.testing.assert_allclose(again.project(embedded.heads)[0], embedded.image_embeddings[[5, 8]], atol=1e-6)


def test_pooled_heads_take_the_mean(embedded):
    heads = HeadPair(HeadSpec("linear", 16, 3), HeadSpec("linear", 26, 3)).eval()
    with torch.inference_mode():
        wanted = heads.embed_images(torch.from_numpy(embedded.image_features)).numpy()
    np.testing.assert_array_equal(embedded.project(heads)[0], wanted)


def test_a_finished_folder_is_read_as_it_is(cohort, embedded):
    assert len(embed(cohort, GridEncoder(), embedded.path, settings=SETTINGS)) == ROWS - 1


def test_pooled_embeddings_are_refused_where_the_head_needs_the_grid(cohort, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    embed(cohort, SketchEncoder(), tmp_path / "pooled", settings=SETTINGS)
    save_heads(GridEncoder().heads, tmp_path / "grid.safetensors")
    sentence = refused(tmp_path, "audit", "pooled", "--heads", "grid.safetensors", "--out", "run")
    assert "needs the grid of image features and pooled holds pooled ones" in sentence


def test_heads_of_the_grid_are_audited_with_the_norm_kept_or_swapped(embedded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(embedded.path, "emb")
    recalls = {}
    for norm in ("keep", "group"):
        done("heads", "emb", "--norm", norm, "--out", norm)
        told = json.loads(done("audit", "emb", "--heads", norm, "--pool", "full", "--k", "1,5", "--json").out)
        recalls[norm] = [row["recall"] for row in told["closed_set"]]
    own = json.loads(done("audit", "emb", "--pool", "full", "--k", "1,5", "--json").out)
    assert recalls["keep"] == [row["recall"] for row in own["closed_set"]]
    manifest = json.loads((tmp_path / "group/manifest.json").read_text())
    assert (manifest["norm"], manifest["model"], manifest["privacy"]) == ("group", "sketch", None)
    kept, swapped = (
        read_embeddings("emb").project(read_heads(Path(norm)).pair)[0] for norm in ("keep", "group")
    )
    assert np.abs(kept - swapped).max() > 0.05


def test_features_too_large_for_half_precision_are_refused(cohort, tmp_path):
    with pytest.raises(InputError, match="gives NaN or infinity as features"):
        embed(cohort, GridEncoder(scale=1e9), tmp_path / "emb", settings=SETTINGS)
    assert not (tmp_path / "emb").exists()


def test_a_shard_without_its_grid_is_refused_by_name(embedded, tmp_path):
    folder = shutil.copytree(embedded.path, tmp_path / "emb")
    shard = load_file(folder / "image-00001.safetensors")
    del shard["grid"]
    save_file(shard, folder / "image-00001.safetensors")
    with pytest.raises(InputError, match=r"image-00001\.safetensors does not hold the grids"):
        read_embeddings(folder)


def test_a_grid_with_nan_is_refused_when_it_is_read(embedded, tmp_path):
    folder = shutil.copytree(embedded.path, tmp_path / "emb")
    shard = load_file(folder / "image-00001.safetensors")
    shard["grid"][0, 0, 0] = np.nan
    save_file(shard, folder / "image-00001.safetensors")
    with pytest.raises(InputError, match=r"image-00001\.safetensors holds NaN or infinity among its grids"):
        whole_grid(read_embeddings(folder))


@pytest.mark.parametrize(
    ("positions", "says"),
    [
        (5, "does not hold the grids that the manifest states"),
        *((wrong, "the value of encoder.image_positions is not what") for wrong in (-1, "four", [4])),
    ],
)
def test_a_manifest_that_states_other_positions_is_refused(embedded, tmp_path, positions, says):
    folder = shutil.copytree(embedded.path, tmp_path / "emb")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["encoder"]["image_positions"] = positions
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=says):
        read_embeddings(folder)
