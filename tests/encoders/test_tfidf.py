"""The TF-IDF tower: fitted on training reports, deterministic, and never without an answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relinkage.encoders.tfidf import TfidfTower
from relinkage.errors import InputError

REPORTS = [
    "Small left pleural effusion, no pneumothorax.",
    "No focal consolidation, no effusion.",
    "Right lower lobe consolidation with air bronchograms.",
    "Cardiomegaly with pulmonary oedema.",
    "Endotracheal tube ends above the carina.",
]


def fitted(reports=REPORTS, **choices):
    tower = TfidfTower(**choices)
    tower.fit(reports)
    return tower


def test_features_are_unit_vectors_that_put_like_beside_like():
    features = fitted().encode([*REPORTS, "left pleural effusion", "oedema"]).features
    assert features.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-6)
    nearest = (features[5:] @ features[:5].T).argmax(axis=1)
    assert nearest.tolist() == [0, 3]


def test_with_every_dimension_cosines_are_those_of_the_unreduced_vectors():
    from sklearn.feature_extraction.text import TfidfVectorizer

    exact = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit_transform(REPORTS).toarray()
    features = fitted().encode(REPORTS).features
    np.testing.assert_allclose(features @ features.T, exact @ exact.T, atol=1e-6)


def test_the_dimension_is_capped_by_the_reports():
    assert fitted(dimension=3).card.features == 3
    assert fitted(dimension=300).card.features == len(REPORTS)
    assert fitted(REPORTS * 4, dimension=300).card.features == len(REPORTS)
    assert fitted(["no effusion"], dimension=300).card.features == 1


def test_reports_without_a_known_word_stand_where_the_average_report_does():
    tower = fitted()
    known = tower.encode(REPORTS).features.astype(np.float64)
    unknown = tower.encode(["xyzzy", "plugh plugh"]).features
    assert np.array_equal(unknown[0], unknown[1])
    mean = known.mean(axis=0)
    np.testing.assert_allclose(unknown[0], mean / np.linalg.norm(mean), atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=6))
def test_any_text_gets_a_finite_unit_vector(texts):
    encoded = fitted().encode(texts)
    np.testing.assert_allclose(np.linalg.norm(encoded.features, axis=1), 1, atol=1e-5)
    assert not encoded.truncated.any()


def test_the_same_seed_gives_the_same_features_and_other_reports_another_revision():
    assert np.array_equal(fitted().encode(REPORTS).features, fitted().encode(REPORTS).features)
    assert fitted().card == fitted().card
    assert fitted(REPORTS[1:]).card.revision != fitted().card.revision
    assert not any(word in fitted().card.revision + fitted().card.pooling for word in ("effusion", "carina"))


def test_there_must_be_words_to_fit():
    with pytest.raises(InputError, match="split `train`, which holds no report"):
        fitted([])
    with pytest.raises(InputError, match="fewer than two different words"):
        fitted(["a", "?"])
    with pytest.raises(InputError, match="dimension is 0"):
        TfidfTower(dimension=0)
    with pytest.raises(RuntimeError, match="before it is fitted"):
        _ = TfidfTower().card
