"""`relinkage embed` says what is done otherwise than the model's files have it, and what was cut."""

import json

import numpy as np
import polars as pl
import pytest
import tiny_texts
from PIL import Image

from calling import done
from relinkage.cohorts import read_cohort
from relinkage.embeddings import EmbedSettings, embed


@pytest.fixture
def cohort(tmp_path):
    """Eight pairs, of which two have the report that is longer than any limit."""
    for row in range(8):
        Image.fromarray(np.full((32, 32), 20 * row, np.uint8)).save(tmp_path / f"{row}.png")
    table = pl.DataFrame({"pair_id": [str(row) for row in range(8)]}).with_columns(
        study_id="pair_id",
        patient_id="pair_id",
        image=pl.col("pair_id") + ".png",
        report=pl.Series(tiny_texts.TEXTS[:4] + tiny_texts.TEXTS[2:5] + ["left"]),
        split=pl.lit("test"),
    )
    table.write_csv(tmp_path / "cohort.csv")
    return tmp_path / "cohort.csv"


def test_what_differs_and_what_was_cut_is_said_and_stands_in_the_manifest(tmp_path, cohort):
    tiny_texts.tower(tmp_path / "text", kind="gpt", side="left", framed=False, pad=None)
    name = f"towers:{tmp_path / 'vit'}+{tmp_path / 'text'}"
    said = done("embed", cohort, "--model", name, "--out", tmp_path / "emb").err
    assert "Note: Texts are padded on the right, though the tokenizer pads on the left" in said
    assert "Note: reports of 1\N{NO-BREAK SPACE}study were encoded in the spelling that most" in said
    assert "20.0% of the reports are longer than the model's 16 tokens; it did not see their ends" in said
    text = json.loads((tmp_path / "emb/manifest.json").read_text())["encoder"]["text"]
    assert (text["case"], text["padding"], text["cut"]) == ("kept", "right, masked", "end")
    assert len(text["differs"]) == 1


def test_the_batch_is_of_no_consequence(tmp_path, cohort):
    encoder, _ = tiny_texts.tower(tmp_path / "text", kind="gpt", side="left", framed=False, pad=None)
    made = [
        embed(read_cohort(cohort), encoder, tmp_path / str(batch), settings=EmbedSettings(batch=batch))
        for batch in (1, 3, 32)
    ]
    made = [embeddings.text_features for embeddings in made]
    for other in made[1:]:
        np.testing.assert_allclose(other / np.abs(made[0]).max(), made[0] / np.abs(made[0]).max(), atol=1e-5)
