"""From image files and reports to an audit, through BioViL-T, by the command line alone."""

import json

import numpy as np
import polars as pl
import pytest
from PIL import Image
from safetensors.numpy import load_file
from state_dict_models import CHANNELS, save_biovil

from calling import done
from relinkage.embeddings import read_embeddings

PAIRS = 12


@pytest.mark.slow
def test_a_cohort_is_embedded_with_biovil_t_and_audited(tmp_path):
    save_biovil(tmp_path / "model", several_images=True)
    random = np.random.default_rng(0)
    words = ["no", "effusion", "left", "right", "pleural"]
    rows = []
    for row in range(PAIRS):
        shades = random.integers(0, 256, (40, 50), dtype=np.uint8)
        Image.fromarray(shades).save(tmp_path / f"{row}.png")
        report = " ".join(random.choice(words, 6))
        ids = {"pair_id": f"p{row}", "study_id": f"s{row}", "patient_id": f"q{row // 2}"}
        rows.append(ids | {"image": f"{row}.png", "report": report, "split": "test"})
    pl.DataFrame(rows).write_csv(tmp_path / "cohort.csv")

    done(
        "embed",
        tmp_path / "cohort.csv",
        "--model",
        f"biovil-t:{tmp_path / 'model'}",
        "--out",
        tmp_path / "emb",
    )
    embeddings = read_embeddings(tmp_path / "emb")
    shard = load_file(tmp_path / "emb" / "image-00000.safetensors")
    assert shard["grid"].shape == (PAIRS, 196, 2 * CHANNELS)
    assert shard["grid"].dtype == np.float16
    assert embeddings.manifest.encoder.id == "biovil-t:model"

    audit = json.loads(
        done("audit", tmp_path / "emb", "--out", tmp_path / "run", "--replicates", 200, "--json").out
    )
    assert audit["dimension"] == 8
    assert audit["queries"] == PAIRS
    assert (tmp_path / "run" / "page.html").is_file()
