"""An audit whose vectors stay on disk is the audit of the same vectors in memory, byte for byte."""

import numpy as np
import polars as pl
import pytest
from PIL import Image

from embeddings.sketch_encoder import SketchEncoder
from relinkage.cohorts import read_cohort
from relinkage.embeddings import EmbedSettings, embed, read_embeddings
from relinkage.embeddings.stored import is_stored
from relinkage.errors import InputError
from relinkage.linkage import AuditSettings
from relinkage.linkage.engines import blocks
from relinkage.records import json_text
from relinkage.studies import audit

ROWS = 150
SETTINGS = AuditSettings(
    direction="both",
    distractors="other-patients",
    hard_negatives=("view",),
    patient_level=True,
    open_set=(0.2,),
    replicates=100,
)


@pytest.fixture(scope="module")
def emb(tmp_path_factory):
    """A folder of several shards; a few reports repeat."""
    root = tmp_path_factory.mktemp("large")
    shades = np.random.default_rng(0).integers(0, 256, (ROWS, 32, 32), dtype=np.uint8)
    for row in range(ROWS):
        Image.fromarray(shades[row]).save(root / f"{row}.png")
    pl.DataFrame(
        {
            "pair_id": [f"pair-{row}" for row in range(ROWS)],
            "study_id": [f"study-{row // 2}" for row in range(ROWS)],
            "patient_id": [f"patient-{row // 4}" for row in range(ROWS)],
            "view": ["PA" if row % 4 < 2 else "AP" for row in range(ROWS)],
            "image": [f"{row}.png" for row in range(ROWS)],
            "report": [
                f"{'effusion' * (row // 2 % 9)} {'oedema' * (row // 4 % 5)} found" for row in range(ROWS)
            ],
        }
    ).write_csv(root / "cohort.csv")
    embed(read_cohort(root), SketchEncoder(), root / "emb", settings=EmbedSettings(shard_rows=40))
    return root / "emb"


@pytest.fixture
def large(monkeypatch):
    """Calls every array large from here on."""

    def call():
        monkeypatch.setattr("relinkage.embeddings.arrays.LARGE", 1)
        monkeypatch.setattr("relinkage.embeddings.folder.LARGE", 1)
        monkeypatch.setattr(blocks, "_WHOLE_TILES", 50)
        monkeypatch.setattr(blocks, "_MOST_ROWS", 50)

    return call


def as_text(audit):
    return json_text(audit.result)


@pytest.mark.parametrize("split", [None, "train"])
def test_a_folder_on_disk_gives_the_audit_of_the_folder_in_memory(emb, large, split):
    expected = audit(emb, split=split, settings=SETTINGS)
    large()
    opened = read_embeddings(emb, large_on_disk=True)
    assert is_stored(opened.image_embeddings)
    assert len(opened.image_embeddings.pieces) == 4
    assert as_text(audit(emb, split=split, settings=SETTINGS)) == as_text(expected)


def test_arrays_on_disk_give_the_audit_of_arrays_in_memory(emb, large, tmp_path):
    made = read_embeddings(emb)
    rows = made.pairs["report_row"].to_numpy()
    np.save(tmp_path / "images.npy", made.image_embeddings.astype(np.float16))
    np.save(tmp_path / "reports.npy", made.text_embeddings[rows].astype(np.float16))
    made.pairs.write_parquet(tmp_path / "pairs.parquet")
    files = [tmp_path / name for name in ("images.npy", "reports.npy", "pairs.parquet")]
    expected = audit(*files, settings=SETTINGS)
    large()
    assert as_text(audit(*files, settings=SETTINGS)) == as_text(expected)


def test_a_shard_that_does_not_fit_the_manifest_is_refused(emb, large, tmp_path):
    for file in emb.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "image-00001.safetensors").write_bytes((emb / "image-00003.safetensors").read_bytes())
    large()
    with pytest.raises(InputError, match=r"image-00001\.safetensors does not hold the features"):
        audit(tmp_path, settings=SETTINGS)
