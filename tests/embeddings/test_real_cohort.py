"""Real radiographs and case notes through a real image network and TF-IDF, where they are on this machine."""

import numpy as np
import pytest

from real_data import SHARED, real
from relinkage.cohorts import read_cohort, with_split
from relinkage.embeddings import EmbedSettings, embed, read_embeddings
from relinkage.encoders import EncoderOptions, load_encoder
from relinkage.records import plain

DATA = SHARED / "data"


@pytest.fixture
def cohort():
    real()
    return with_split(read_cohort(DATA / "covid_chestxray"), by="split_group")


@pytest.mark.slow
def test_ninety_six_radiographs_and_their_notes(cohort, tmp_path, contents):
    encoder = load_encoder(
        f"towers:{DATA / 'encoders/mobilenet_v2'}+tfidf", options=EncoderOptions(image_size=224)
    )
    settings = EmbedSettings(batch=8, shard_rows=40, keep=("split_group", "finding"))
    embed(cohort, encoder, tmp_path / "emb", settings=settings)
    embeddings = read_embeddings(tmp_path / "emb")
    assert plain(embeddings.manifest.counts) == {
        "rows": 96,
        "pairs": 96,
        "studies": 96,
        "patients": 49,
        "reports": 80,
        "texts": 80,
        "left_out": {},
        "respelled": 0,
    }
    training = cohort.pairs.filter(cohort.pairs["split"] == "train")
    assert embeddings.text_features.shape == (80, training["report"].n_unique())
    assert embeddings.image_features.shape == (96, 1280)
    assert len(np.unique(embeddings.image_features, axis=0)) == 96
    assert not set(embeddings.split("train").pairs["split_group"]) & set(
        embeddings.split("test").pairs["split_group"]
    )

    written = contents(tmp_path / "emb")
    written["the cells of pairs.parquet"] = embeddings.pairs.write_csv().encode()
    for report in cohort.pairs["report"]:
        for start in range(0, max(len(report) - 24, 1), 12):
            passage = report[start : start + 24].encode()
            assert not [name for name, content in written.items() if passage in content]
