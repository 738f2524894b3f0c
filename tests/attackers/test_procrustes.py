"""Procrustes undoes a rotation of one side: cosine falls to chance, and a few pairs bring all of it back."""

from dataclasses import replace

import numpy as np
import pytest
import shared_latent

from relinkage.attackers.procrustes import Procrustes

PAIRS, KNOWN = 1200, np.arange(400)


@pytest.fixture(scope="module")
def shared():
    return shared_latent.draw(PAIRS, np.full(16, 0.85))


@pytest.fixture(scope="module")
def rotated(shared):
    return replace(shared, texts=shared.texts @ shared_latent.rotation(16) + 3)


def attacked(pairs):
    part = pairs.rows(np.arange(len(KNOWN), PAIRS))
    return part.images, part.texts


def test_a_random_rotation_takes_cosine_to_chance_and_procrustes_brings_it_back(shared, rotated):
    before = shared_latent.hits(shared_latent.cosines(*attacked(shared))).mean()
    hidden = shared_latent.hits(shared_latent.cosines(*attacked(rotated))).mean()
    back = shared_latent.found(Procrustes(), rotated, KNOWN)
    assert before > 0.5
    assert hidden < 0.02
    assert back == pytest.approx(before, abs=0.02)


def test_where_the_sides_differ_by_a_rotation_alone_it_is_undone_exactly():
    images = np.random.default_rng(0).normal(size=(60, 5)) * [3, 2, 1.5, 1, 0.5]
    turned = images @ shared_latent.rotation(5, 1) - 2
    pairs = shared_latent.draw(60, [0.0] * 5).known(np.arange(60))
    pairs = type(pairs)(images, turned, pairs.patient)
    left, right = Procrustes().fit(pairs).transform(images, turned)
    np.testing.assert_allclose(np.diag(shared_latent.cosines(left, right)), 1, atol=1e-9)


def test_the_map_is_the_orthogonal_one_that_brings_the_pairs_closest(rotated):
    fitted = Procrustes().fit(rotated.known(KNOWN))
    np.testing.assert_allclose(fitted.turn.T @ fitted.turn, np.eye(len(fitted.turn)), atol=1e-9)
    left, right = fitted.transform(rotated.images[KNOWN], rotated.texts[KNOWN])
    apart = np.linalg.norm(left - right)
    for seed in range(50):
        assert np.linalg.norm(left - right @ shared_latent.rotation(right.shape[1], seed)) > apart


@pytest.mark.parametrize("widths", [(40, 12), (12, 40), (40, None)])
def test_sides_of_unequal_width_are_brought_together(widths):
    pairs = shared_latent.draw(PAIRS, np.full(8, 0.95), widths=widths)
    fitted = Procrustes().fit(pairs.known(KNOWN))
    left, right = fitted.transform(*attacked(pairs))
    assert left.shape == right.shape
    assert shared_latent.hits(shared_latent.cosines(left, right)).mean() > 10 / len(left)


def test_few_pairs_leave_out_directions_that_they_do_not_show():
    loud = shared_latent.draw(PAIRS, np.full(6, 0.95), nuisance=60, loud=0.2)
    fitted = Procrustes().fit(loud.known(np.arange(40)))
    assert fitted.settings["components"] < 32
