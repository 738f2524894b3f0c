"""Maps start from principal components, lie alike, and are the same in every run and order of rows."""

import sys

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from relinkage.errors import InputError
from relinkage.retrieval import MapSettings
from relinkage.retrieval.neighbours import alike
from relinkage.retrieval.tsne import check_installed, distinct, largest_perplexity, principal_start, tsne

QUICK = MapSettings(perplexity=5, early=40, steps=40)


def blobs(seed=0):
    """Two groups of points on a sphere, thirty each."""
    random = np.random.default_rng(seed)
    made = 0.3 * random.normal(size=(60, 6))
    made[:30, 0] += 1
    made[30:, 1] += 1
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def drawn(points, like=None):
    """Map points row by row; give the start of each row, its place and the divergence."""
    different, which = distinct(points)
    start = principal_start(different, which, like)
    places, divergence = tsne(different, start, QUICK)
    return start[which], places[which], divergence


def started(points, like=None):
    different, which = distinct(points)
    return principal_start(different, which, like)[which]


def test_the_start_is_the_first_two_principal_components_scaled():
    points = blobs()
    start = started(points)
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
    first = started(points)
    np.testing.assert_allclose(started(points @ turn, first), first, atol=1e-12)


def test_a_space_of_one_dimension_can_be_started_from():
    start = started(np.array([[1.0], [-1.0], [1.0]]))
    assert start.shape == (3, 2)
    assert np.isfinite(start).all()


def test_the_same_points_give_the_same_map_and_classes_that_are_apart_stay_apart():
    pytest.importorskip("openTSNE")
    _, made, divergence = drawn(blobs())
    _, again, _ = drawn(blobs())
    assert made.tobytes() == again.tobytes()
    assert np.isfinite(divergence)
    code = np.repeat(np.array([0, 1], np.int8), 30)
    assert alike(made, 5, np.arange(60), code).mean() > 0.95


def test_the_order_of_rows_moves_no_point_of_the_first_map_nor_of_the_next():
    pytest.importorskip("openTSNE")
    points = np.concatenate([blobs(), np.tile(blobs(1)[:1], (25, 1))])  # more equal ones than neighbours
    turned = points[:, ::-1] * np.arange(1, 7)
    order = np.random.default_rng(4).permutation(len(points))
    start, first, divergence = drawn(points)
    _, second, _ = drawn(turned, start)
    moved_start, moved_first, moved_divergence = drawn(points[order])
    np.testing.assert_array_equal(moved_first, first[order])
    np.testing.assert_array_equal(drawn(turned[order], moved_start)[1], second[order])
    assert divergence == moved_divergence


def test_equal_vectors_are_one_point():
    pytest.importorskip("openTSNE")
    _, made, _ = drawn(np.concatenate([blobs(), blobs()[:7]]))
    np.testing.assert_array_equal(made[60:], made[:7])
    assert len(np.unique(made, axis=0)) == 60


def test_the_divergence_is_that_of_all_pairs_and_never_below_zero():
    openTSNE = pytest.importorskip("openTSNE")
    points = distinct(blobs())[0]
    places, divergence = tsne(points, principal_start(points, np.arange(60), None), QUICK)
    p = openTSNE.affinity.PerplexityBasedNN(
        points, perplexity=5, method="exact", metric="euclidean", n_jobs=1, random_state=0
    ).P.toarray()
    q = 1 / (1 + cdist(places, places) ** 2)
    np.fill_diagonal(q, 0)
    q /= q.sum()
    assert divergence == pytest.approx((p[p > 0] * np.log(p[p > 0] / q[p > 0])).sum())


@pytest.mark.parametrize("different", [1, 2, 3, 9])
def test_few_different_vectors_can_be_mapped(different):
    pytest.importorskip("openTSNE")
    _, made, divergence = drawn(np.repeat(blobs()[:different], 10, axis=0))
    assert len(np.unique(made, axis=0)) == different
    assert np.isfinite(made).all()
    assert 0 <= divergence < np.inf
    assert 3 * largest_perplexity(different) == different - 1


def test_without_opentsne_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(InputError, match=r"Maps need openTSNE; run pip install 'relinkage\[maps\]'\."):
        check_installed()
