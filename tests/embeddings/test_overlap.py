"""What two embeddings folders share is found exactly, whatever their rows are called."""

import numpy as np
import polars as pl
import pytest
from sketch_encoder import SketchEncoder

from relinkage.cohorts import Cohort
from relinkage.embeddings import Shared, embed, read_embeddings, shared_with
from relinkage.records import plain


@pytest.fixture
def whole(make_cohort):
    return make_cohort()


@pytest.fixture
def embedded(tmp_path):
    def make(cohort, name):
        return embed(cohort, SketchEncoder(), tmp_path / name)

    return make


def renamed(cohort):
    """Give every pair, study and patient another id."""
    table = cohort.pairs.with_columns(
        ("x" + pl.col(c)).alias(c) for c in ("pair_id", "study_id", "patient_id")
    )
    return Cohort.from_table(table, cohort.root, "renamed")


def test_a_cohort_without_one_row_shares_all_that_is_left(whole, embedded):
    shared = shared_with(embedded(whole.with_pairs(whole.pairs[:-1]), "less"), embedded(whole, "all"))
    # eleven pairs of six patients, whose five reports are four texts
    assert shared == Shared(patients=5, pairs=10, images=10, reports=4, feature_pairs=10)
    assert shared.any


def test_other_names_hide_ids_and_not_features(whole, embedded):
    shared = shared_with(embedded(renamed(whole), "renamed"), embedded(whole, "all"))
    assert shared == Shared(patients=0, pairs=0, images=11, reports=4, feature_pairs=11)


def test_only_reports_in_common_tell_nothing_of_people(whole, embedded):
    left, right = whole.pairs[:5], renamed(whole).pairs[5:10]
    sides = [
        embedded(Cohort.from_table(table, whole.root, name), name)
        for name, table in (("a", left), ("b", right))
    ]
    shared = shared_with(*sides)
    assert shared == Shared(patients=0, pairs=0, images=0, reports=4, feature_pairs=0)
    assert not shared.any


def test_studies_are_not_compared_as_patients(whole, embedded):
    unknown = Cohort.from_table(whole.pairs.drop("patient_id"), whole.root, "unknown")
    shared = shared_with(embedded(unknown, "unknown"), embedded(whole, "all"))
    assert (shared.patients, shared.studies) == (0, 11)
    assert shared.any


def test_it_counts_as_comparing_all_rows_with_all_does(whole, embedded):
    left, right = embedded(whole, "all"), embedded(renamed(whole.with_pairs(whole.pairs[3:8])), "part")
    images = (left.image_features[:, None] == right.image_features[None]).all(2).any(1).sum()
    texts = (left.text_features[:, None] == right.text_features[None]).all(2).any(1).sum()
    shared = shared_with(left, right)
    assert (shared.images, shared.reports) == (int(images), int(texts))


def test_nothing_of_what_is_shared_is_told(whole, embedded):
    shared = shared_with(embedded(whole, "all"), embedded(whole, "again"))
    assert all(isinstance(count, int) for count in plain(shared).values())


def test_rows_on_disk_are_compared_alike(whole, embedded, tmp_path, monkeypatch):
    made = embedded(whole, "all")
    monkeypatch.setattr("relinkage.embeddings.folder.LARGE", 0)
    stored = read_embeddings(tmp_path / "all", large_on_disk=True)
    assert not isinstance(stored.image_features, np.ndarray)
    assert shared_with(stored, made) == shared_with(made, made)
