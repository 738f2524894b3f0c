"""Maps start from principal components, lie alike, and are the same in every run."""

import sys

import numpy as np
import pytest

from relinkage.errors import InputError
from relinkage.retrieval import MapSettings
from relinkage.retrieval.neighbours import alike, neighbours
from relinkage.retrieval.tsne import check_installed, principal_start, tsne

QUICK = MapSettings(perplexity=5, early=40, steps=40)


def blobs(seed=0):
    """Two groups of points on a sphere, thirty each."""
    random = np.random.default_rng(seed)
    made = 0.3 * random.normal(size=(60, 6))
    made[:30, 0] += 1
    made[30:, 1] += 1
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def test_the_start_is_the_first_two_principal_components_scaled():
    points = blobs()
    start = principal_start(points, None)
    _, vectors = np.linalg.eigh(np.cov(points.T))
    expected = (points - points.mean(axis=0)) @ vectors[:, [-1, -2]]
    expected *= 1e-4 / expected[:, 0].std()
    for axis in (0, 1):
        sign = np.sign(expected[:, axis] @ start[:, axis])
        np.testing.assert_allclose(start[:, axis], sign * expected[:, axis], atol=1e-12)
    assert start[:, 0].std() == pytest.approx(1e-4)


def test_a_turned_space_starts_where_the_first_one_did():
    points = blobs()
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
    first = principal_start(points, None)
    np.testing.assert_allclose(principal_start(points @ turn, first), first, atol=1e-12)


def test_a_space_of_one_dimension_can_be_started_from():
    start = principal_start(np.array([[1.0], [-1.0], [1.0]]), None)
    assert start.shape == (3, 2)
    assert np.isfinite(start).all()


def test_the_same_points_give_the_same_map_and_classes_that_are_apart_stay_apart():
    pytest.importorskip("openTSNE")
    points = blobs()
    start = principal_start(points, None)
    made, divergence = tsne(points, start, QUICK)
    again, _ = tsne(points, start, QUICK)
    assert made.tobytes() == again.tobytes()
    assert np.isfinite(divergence)
    code = np.repeat(np.array([0, 1], np.int8), 30)
    assert alike(neighbours(made, 5, np.arange(60)), code).mean() > 0.95


def test_without_opentsne_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(InputError, match=r"Maps need openTSNE; run pip install 'relinkage\[maps\]'\."):
        check_installed()
