"""Whitening makes all directions vary alike, and needs no pairs."""

import numpy as np
import pytest
import shared_latent

from relinkage.attackers import load_attacker
from relinkage.attackers.whitening import shrunk_covariance, whitened


def naive(centred):
    n, d = centred.shape
    covariance = sum(np.outer(row, row) for row in centred) / n
    target = np.trace(covariance) / d * np.eye(d)
    noise = sum(((np.outer(row, row) - covariance) ** 2).sum() for row in centred) / n**2
    share = min(noise / ((covariance - target) ** 2).sum(), 1)
    return share * target + (1 - share) * covariance


@pytest.mark.parametrize(("n", "d"), [(50, 4), (20, 30), (500, 8)])
def test_the_covariance_is_ledoit_and_wolfs(n, d):
    vectors = np.random.default_rng(n).normal(size=(n, d)) * np.geomspace(3, 0.3, d)
    vectors -= vectors.mean(0)
    np.testing.assert_allclose(shrunk_covariance(vectors), naive(vectors), rtol=1e-9, atol=1e-12)


def test_it_agrees_with_scikit_learn():
    covariance = pytest.importorskip("sklearn.covariance")
    vectors = np.random.default_rng(3).normal(size=(80, 12)) * np.geomspace(3, 0.3, 12)
    vectors -= vectors.mean(0)
    expected = covariance.LedoitWolf(assume_centered=True).fit(vectors).covariance_
    np.testing.assert_allclose(shrunk_covariance(vectors), expected, rtol=1e-9)


def test_whitened_vectors_have_no_mean_and_nearly_one_variance_each_way():
    vectors = np.random.default_rng(0).normal(size=(20_000, 5)) * [3, 2, 1, 0.7, 0.5] + 7
    found = whitened(vectors.astype(np.float32))
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(np.cov(found.T), np.eye(5), atol=0.01)


def test_a_side_keeps_pointing_the_same_way():
    vectors = np.random.default_rng(0).normal(size=(2000, 4)) * [5, 2, 1, 0.5]
    assert (np.diag(shared_latent.cosines(vectors.T, whitened(vectors).T)) > 0.99).all()


def test_it_beats_cosine_where_one_loud_direction_and_a_gap_drown_the_others():
    pairs = shared_latent.draw(800, np.full(12, 0.9), nuisance=2, loud=30)
    cosine = shared_latent.hits(shared_latent.cosines(pairs.images, pairs.texts + 4)).mean()
    fitted = load_attacker("whiten").fit(None)
    found = shared_latent.hits(shared_latent.cosines(*fitted.transform(pairs.images, pairs.texts + 4))).mean()
    assert found > 10 * cosine


def test_vectors_on_a_line_are_whitened_along_it_alone():
    line = np.outer(np.arange(-2.0, 3.0), [3.0, 4.0])
    assert np.isfinite(whitened(line)).all()
