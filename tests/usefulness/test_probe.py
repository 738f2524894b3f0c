"""Linear probes minimise what they say and choose their penalty on patients set aside."""

import numpy as np
import pytest

from relinkage.usefulness.auroc import auroc
from relinkage.usefulness.probe import fit_probe

PENALTIES = (1e-1, 1e-3)


def planted(seed=0, rows=400, width=6, labels=3):
    random = np.random.default_rng(seed)
    vectors = (random.normal(size=(rows, width)) * random.uniform(0.1, 5, width) + 3).astype(np.float32)
    logits = (vectors - vectors.mean(0)) / vectors.std(0) @ random.normal(size=(width, labels)) - 1
    truth = (random.random((rows, labels)) < 1 / (1 + np.exp(-logits))).astype(np.int8)
    truth[random.random(truth.shape) < 0.1] = -1
    return vectors, truth, random.random(rows) < 0.25


def standardised(vectors):
    """Give standardised vectors with a column of ones for the intercept."""
    rows = np.float64(vectors)
    return np.column_stack([(rows - rows.mean(0)) / rows.std(0), np.ones(len(rows))])


def newton(rows, truth, penalty):
    """Fit one label by Newton's method in float64; give the weights, the intercept last."""
    X, y = rows[truth >= 0], truth[truth >= 0]
    ridge = penalty * np.diag([1.0] * (X.shape[1] - 1) + [0.0])
    w = np.zeros(X.shape[1])
    for _ in range(100):
        p = 1 / (1 + np.exp(-X @ w))
        slope = X.T @ (p - y) / len(y) + ridge @ w
        w -= np.linalg.solve((X.T * (p * (1 - p))) @ X / len(y) + ridge, slope)
    assert np.abs(slope).max() < 1e-12
    return w


@pytest.mark.parametrize("penalty", [1.0, 1e-2, 1e-5])
def test_the_scores_are_those_of_newtons_method_label_by_label(penalty):
    vectors, truth, aside = planted()
    rows = standardised(vectors)
    scores = fit_probe(vectors, truth, aside, (penalty,)).scores(vectors)
    expected = np.stack([rows @ newton(rows, column, penalty) for column in truth.T], axis=1)
    np.testing.assert_allclose(scores, expected, atol=2e-5)


def test_the_penalty_is_the_one_that_orders_the_patients_aside_best_and_all_are_fitted_with_it():
    vectors, truth, aside = planted(3, rows=160, width=30)
    rows, penalties = standardised(vectors), (1e-2, 1e1, 1e-1, 1e-3)
    probe = fit_probe(vectors, truth, aside, penalties)
    reached = []
    for penalty in penalties:
        fitted = [newton(rows[~aside], column[~aside], penalty) for column in truth.T]
        reached.append(auroc(rows[aside] @ np.stack(fitted, axis=1), truth[aside]).mean())
    assert probe.chosen_at == pytest.approx(reached, abs=2e-3)
    assert probe.penalty == penalties[int(np.argmax(reached))]
    assert max(reached) - min(reached) > 0.005
    expected = np.stack([rows @ newton(rows, column, probe.penalty) for column in truth.T], axis=1)
    np.testing.assert_allclose(probe.scores(vectors), expected, atol=1e-4)


def test_of_equally_good_penalties_the_largest_is_taken():
    random = np.random.default_rng(0)
    vectors = random.normal(size=(60, 1)).astype(np.float32)
    truth = (vectors[:, :1] > 0).astype(np.int8)
    assert fit_probe(vectors, truth, np.arange(60) % 4 == 0, (1e-4, 1.0, 1e-2)).penalty == 1.0


@pytest.mark.parametrize("seed", range(3))
def test_rotating_scaling_and_shifting_whitened_vectors_changes_no_order(seed):
    vectors, truth, aside = planted(seed, rows=150, width=4)
    random = np.random.default_rng(seed)
    centred = vectors - vectors.mean(0)
    white = centred @ np.linalg.inv(np.linalg.cholesky(np.cov(centred.T))).T
    turn = np.linalg.qr(random.normal(size=(4, 4)))[0]
    first = fit_probe(white.astype(np.float32), truth, aside, PENALTIES)
    turned = (7 * white @ turn + 2).astype(np.float32)
    second = fit_probe(turned, truth, aside, PENALTIES)
    np.testing.assert_allclose(first.scores(white.astype(np.float32)), second.scores(turned), atol=2e-3)


def test_a_feature_that_never_changes_and_one_that_repeats_do_no_harm():
    vectors, truth, aside = planted()
    padded = np.column_stack([vectors, np.full(len(vectors), 5, np.float32), vectors[:, 0]])
    scores = fit_probe(padded, truth, aside, PENALTIES).scores(padded)
    assert np.isfinite(scores).all()
    plain = fit_probe(vectors, truth, aside, PENALTIES).scores(vectors)
    np.testing.assert_allclose(auroc(scores, truth), auroc(plain, truth), atol=0.01)


@pytest.mark.parametrize("scale", [1e-18, 1e-4, 1.0, 1e4, 1e10])
def test_the_scale_of_a_feature_does_not_matter_to_it_nor_to_the_others(scale):
    vectors, truth, aside = planted()
    plain = fit_probe(vectors, truth, aside, PENALTIES).scores(vectors)
    vectors = vectors * np.float32([1, scale, 1, 1 / scale, 1, 1])
    np.testing.assert_allclose(fit_probe(vectors, truth, aside, PENALTIES).scores(vectors), plain, atol=1e-3)


def test_a_feature_that_changes_by_its_rounding_alone_is_not_blown_up():
    vectors, truth, aside = planted()
    jitter = np.nextafter(np.float32(5), np.where(truth[:, 0] == 1, np.float32(6), np.float32(4)))
    padded = np.column_stack([vectors, jitter.astype(np.float32)])  # its last bit tells the label
    plain = fit_probe(vectors, truth, aside, PENALTIES).scores(vectors)
    found = fit_probe(padded, truth, aside, PENALTIES).scores(padded)
    np.testing.assert_allclose(found, plain, atol=1e-3)


def test_separable_labels_and_labels_without_a_positive_in_a_part_are_fitted():
    vectors, truth, aside = planted()
    truth[:, 0] = vectors[:, 0] > 3
    truth[:, 1] = 0
    truth[np.flatnonzero(aside)[:5], 1] = 1
    probe = fit_probe(vectors, truth, aside, (1.0, 1e-6))
    assert auroc(probe.scores(vectors), truth)[0] > 0.999
    assert np.isfinite(probe.weights).all()


def test_the_same_vectors_give_the_same_probe():
    vectors, truth, aside = planted()
    one, two = (fit_probe(vectors, truth, aside, PENALTIES) for _ in range(2))
    np.testing.assert_array_equal(one.weights, two.weights)
