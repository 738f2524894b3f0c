"""Canonical correlations, weighed by their likelihood ratio, are as good as knowing the true model."""

import numpy as np
import pytest
import shared_latent
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from relinkage.attackers import augment
from relinkage.attackers.cca import PENALTIES, Cca, Moments, _family, _ranks, log_likelihood_ratio
from relinkage.attackers.procrustes import Procrustes


@settings(max_examples=30)
@given(st.integers(1, 6), st.integers(0, 1000))
def test_the_score_is_the_ratio_of_the_densities_up_to_its_constant(components, seed):
    rng = np.random.default_rng(seed)
    rho = rng.uniform(0, 0.99, components)
    a, b = rng.normal(size=(4, components)), rng.normal(size=(5, components))
    left, right, f, g = log_likelihood_ratio(a, b, rho)
    constant = -np.log(1 - rho**2).sum() / 2
    expected = np.zeros((4, 5))
    for i in range(4):
        for j in range(5):
            for k in range(components):
                joint = multivariate_normal([0, 0], [[1, rho[k]], [rho[k], 1]])
                alone = multivariate_normal(0, 1)
                expected[i, j] += joint.logpdf([a[i, k], b[j, k]])
                expected[i, j] -= alone.logpdf(a[i, k]) + alone.logpdf(b[j, k])
    np.testing.assert_allclose(left @ right.T + f[:, None] + g + constant, expected, atol=1e-8)
    np.testing.assert_allclose(shared_latent.log_likelihood_ratio(a, b, rho), expected, atol=1e-8)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("pairs", [9, 200])
def test_directions_are_those_of_whitening_and_a_singular_value_decomposition(penalty, pairs):
    known = shared_latent.draw(pairs, [0.9, 0.6, 0.3], nuisance=2, widths=(7, 10)).known(np.arange(pairs))
    sides, whiteners = [], []
    for side in (known.images, known.texts):
        centred = side - side.mean(0)
        covariance = centred.T @ centred / pairs
        shrunk = covariance + penalty * np.trace(covariance) / side.shape[1] * np.eye(side.shape[1])
        variance, directions = np.linalg.eigh(shrunk)
        whiteners.append(directions @ np.diag(variance**-0.5) @ directions.T)
        sides.append(centred)
    left, strength, right = np.linalg.svd(whiteners[0] @ (sides[0].T @ sides[1] / pairs) @ whiteners[1])
    found = _family(known)(penalty)
    count = 3
    a, b = found.of_images(known.images, count), found.of_texts(known.texts, count)
    expected_a = sides[0] @ whiteners[0] @ left[:, :count]
    expected_b = sides[1] @ whiteners[1] @ right[:count].T
    # A direction is known up to its sign, which both sides share.
    sign = np.sign((a * expected_a).sum(0))
    np.testing.assert_allclose(a * sign, expected_a, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(b * sign, expected_b, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose((a * b).mean(0), strength[:count], rtol=1e-6)


@pytest.mark.slow
def test_it_reaches_what_the_true_likelihood_ratio_reaches():
    rho = np.array([0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.3])
    pairs = shared_latent.draw(5000, rho, nuisance=6, loud=3, widths=(20, 16))
    known, attacked = np.arange(3500), np.arange(3500, 5000)
    held = pairs.rows(attacked)
    fitted = Cca().fit(pairs.known(known))
    ours = shared_latent.hits(shared_latent.cosines(*fitted.transform(held.images, held.texts)))
    best = shared_latent.hits(held.likelihood_ratio)
    assert best.mean() > 0.05
    # Paired, because both ask the same images: the error of a difference of shares.
    error = (ours.astype(float) - best).std() / np.sqrt(len(best))
    assert ours.mean() == pytest.approx(best.mean(), abs=3 * error)
    np.testing.assert_allclose(fitted.settings["held_out_correlations"][:8], rho, atol=0.06)


def test_it_beats_cosine_where_noise_is_louder_than_what_the_sides_share():
    pairs = shared_latent.draw(1500, np.full(10, 0.9), nuisance=20, loud=4)
    known, attacked = np.arange(700), np.arange(700, 1500)
    held = pairs.rows(attacked)
    cosine = shared_latent.hits(shared_latent.cosines(held.images, held.texts)).mean()
    found = shared_latent.found(Cca(), pairs, known)
    assert cosine < 0.1
    assert found > 5 * cosine
    assert found > shared_latent.found(Procrustes(), pairs, known)


def test_variates_and_scores_survive_any_invertible_mixture_of_a_side():
    pairs = shared_latent.draw(900, [0.9, 0.8, 0.7, 0.6])
    mixed = shared_latent.draw(900, [0.9, 0.8, 0.7, 0.6], widths=(4, 4))
    known = np.arange(600)
    plain = shared_latent.found(Cca(), pairs, known)
    assert shared_latent.found(Cca(), mixed, known) == pytest.approx(plain, abs=0.03)


def test_correlations_are_measured_on_pairs_that_were_not_fitted_on():
    unrelated = shared_latent.draw(120, [0.0] * 30)
    settings = Cca().fit(unrelated.known(np.arange(120))).settings
    assert max(settings["held_out_correlations"]) < 0.3


def test_correlations_lie_between_nothing_and_nearly_one():
    ones = np.array([[1.0, 1.0, 0.0], [-2.0, 2.0, 0.0]])
    moments = Moments.of(ones, ones * [1, -1, 1])
    assert moments.correlations.tolist() == [0.999, 0.0, 0.0]
    assert moments.deviations[0].tolist() == pytest.approx([np.sqrt(2.5), np.sqrt(2.5), 1.0])


def test_moments_of_folds_add_up():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 30, 4))
    parts = Moments.sum([Moments.of(a[:11], b[:11]), Moments.of(a[11:], b[11:])])
    np.testing.assert_allclose(parts.correlations, Moments.of(a, b).correlations)
    np.testing.assert_allclose(parts.first(2).products, Moments.of(a[:, :2], b[:, :2]).products)


def test_a_component_of_no_correlation_adds_nothing():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 10, 3))
    with_it = augment(*log_likelihood_ratio(a, b, np.array([0.9, 0.5, 0.0])))
    without = augment(*log_likelihood_ratio(a[:, :2], b[:, :2], np.array([0.9, 0.5])))
    np.testing.assert_allclose(with_it[0] @ with_it[1].T, without[0] @ without[1].T, atol=1e-9)


def test_noise_ranks_no_better_for_having_many_components():
    """Correlations come from the other folds; from a fold's own pairs they would fit its noise."""
    rng = np.random.default_rng(2)
    variates = [tuple(rng.normal(size=(2, 30, 60))) for _ in range(5)]
    ranks = _ranks(variates, [np.arange(30)] * 5, [Moments.of(*sides) for sides in variates], (4, 60))
    chance = np.log(np.arange(1, 31)).mean()
    np.testing.assert_allclose(ranks, chance, atol=0.25)
