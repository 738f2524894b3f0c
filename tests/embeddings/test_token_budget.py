"""A token budget: every encoder sees the same first tokens of each report, and the folder says so."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sketch_encoder import SketchEncoder

from relinkage.cohorts import Cohort
from relinkage.cohorts.text import normalise, report_hash, within_budget
from relinkage.embeddings import EmbedSettings, embed
from relinkage.embeddings.table import distinct_texts, texts_to_encode
from relinkage.errors import InputError

pytestmark = pytest.mark.usefixtures("trusted")

SMALL = {"batch": 2, "shard_rows": 4, "max_left_out": 0.5}
THREE = EmbedSettings(**SMALL, token_budget=3)
ALIKE = [
    "Small effusion on the left.",
    "small  Effusion on the right.",
    "Small effusion on.",
    "Small effusion",
    "Small effusion on the left.",
    "No effusion.",
]
"""Four of them are one text of three tokens."""


@pytest.fixture
def alike(make_cohort):
    return make_cohort(6, report=ALIKE)


def test_every_encoder_sees_the_same_text(make_cohort, tmp_path):
    cohort = make_cohort()
    first = ["Small left pleural", "no acute cardiopulmonary", "Right lower lobe"]
    first += ["Cardiomegaly without oedema"]
    encoders = [SketchEncoder(limit=2), SketchEncoder(limit=40, heads=False)]
    for number, encoder in enumerate(encoders):
        embed(cohort, encoder, tmp_path / str(number), settings=THREE)
        assert encoder.texts == first
        assert {normalise(text) for text in encoder.fitted_on} <= {normalise(text) for text in first}
    assert encoders[0].fitted_on == encoders[1].fitted_on


def test_a_budget_that_holds_every_report_changes_nothing(make_cohort, tmp_path, contents):
    made = [
        embed(make_cohort(), SketchEncoder(), tmp_path / name, settings=EmbedSettings(**SMALL, **budget))
        for name, budget in (("whole", {}), ("large", {"token_budget": 40}))
    ]
    whole, large = (contents(tmp_path / name) for name in ("whole", "large"))
    assert {name for name in whole if whole[name] != large[name]} == {"manifest.json"}
    assert [embeddings.token_budget for embeddings in made] == [None, 40]
    assert [embeddings.manifest.cut_share for embeddings in made] == [None, 0]


def test_reports_that_become_equal_are_encoded_once_and_stay_different_reports(alike, tmp_path):
    encoder = SketchEncoder()
    embeddings = embed(alike, encoder, tmp_path / "emb", settings=THREE)
    assert encoder.texts == ["Small effusion on", "Small effusion", "No effusion."]
    pairs = embeddings.pairs
    assert pairs["report_row"].to_list() == [0, 0, 0, 1, 0, 2]
    assert pairs["report_hash"].to_list() == [report_hash(report, alike.salt()) for report in ALIKE]
    assert pairs["report_words"].to_list() == [5, 5, 3, 2, 5, 2]
    assert pairs["cut"].to_list() == [True, True, True, False, True, False]
    counts = embeddings.manifest.counts
    assert (counts.pairs, counts.reports, counts.texts) == (6, 5, 3)


def test_one_share_counts_the_budgets_cuts_and_another_the_models_own_after_it(alike, tmp_path):
    embeddings = embed(alike, SketchEncoder(limit=2), tmp_path / "emb", settings=THREE)
    assert embeddings.pairs["cut"].to_list() == [True, True, True, False, True, False]
    assert embeddings.pairs["truncated"].to_list() == [True, True, True, False, True, False]
    manifest = embed(alike, SketchEncoder(limit=3), tmp_path / "roomy", settings=THREE).manifest
    assert (manifest.cut_share, manifest.truncated_share) == (3 / 5, 0)
    assert (embeddings.manifest.cut_share, embeddings.manifest.truncated_share) == (3 / 5, 3 / 5)


def test_a_part_of_the_pairs_keeps_the_vectors_of_its_texts(alike, tmp_path):
    whole = embed(alike, SketchEncoder(), tmp_path / "emb", settings=THREE)
    part = whole.select([5, 1, 2])
    assert len(part.text_features) == 2
    np.testing.assert_array_equal(
        part.text_features[part.pairs["report_row"].to_numpy()], whole.text_features[[2, 0, 0]]
    )


@pytest.mark.parametrize("batches", range(8))
def test_a_broken_run_resumes_to_the_same_bytes(alike, tmp_path, contents, batches):
    embed(alike, SketchEncoder(), tmp_path / "whole", settings=THREE)
    with pytest.raises(RuntimeError):
        embed(alike, SketchEncoder(batches=min(batches, 4)), tmp_path / "broken", settings=THREE)
    embed(alike, SketchEncoder(), tmp_path / "broken", settings=THREE)
    assert contents(tmp_path / "broken") == contents(tmp_path / "whole")


@pytest.mark.parametrize("other", [None, 4])
@pytest.mark.parametrize("finished", [True, False])
def test_a_folder_of_another_budget_is_refused_and_kept(alike, tmp_path, contents, other, finished):
    out = tmp_path / "emb"
    if finished:
        embed(alike, SketchEncoder(), out, settings=THREE)
    else:
        with pytest.raises(RuntimeError):
            embed(alike, SketchEncoder(batches=3), out, settings=THREE)
    before = contents(out)
    with pytest.raises(InputError, match=r"belongs to another run \(it differs in: settings\)"):
        embed(alike, SketchEncoder(), out, settings=EmbedSettings(**SMALL, token_budget=other))
    assert contents(out) == before


@pytest.mark.parametrize("budget", [0, -3])
def test_no_token_is_no_budget(budget):
    with pytest.raises(
        InputError,
        match=rf"^token_budget {budget} is not .*; give a whole number from 1 up\.$",
    ):
        EmbedSettings(token_budget=budget)


WORDS = st.sampled_from(["no", "NO", "Effusion", "effusion", ".", ",", "\n", "oedema"])
ANY_REPORT = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)


@settings(max_examples=40)
@given(st.lists(ANY_REPORT, min_size=1, max_size=8), st.integers(1, 5))
def test_rows_share_a_text_just_where_their_first_tokens_are_equal(reports, budget):
    ids = [str(row) for row in range(len(reports))]
    columns = dict.fromkeys(("pair_id", "study_id", "patient_id", "image"), ids)
    cohort = Cohort.from_table(pl.DataFrame({**columns, "report": reports}), Path("."), "any")
    texts, table = distinct_texts(cohort, np.arange(len(reports)), "salt", texts_to_encode(cohort, budget))
    kept = [normalise(within_budget(report, budget)[0]) for report in reports]
    assert [normalise(texts[row]) for row in table["report_row"]] == kept
    assert len(texts) == len(set(kept))
    assert table["report_hash"].to_list() == [report_hash(report, "salt") for report in reports]
    assert table["report_words"].to_list() == [len(report.split()) for report in reports]
