"""The likelihood-ratio attack: its score, its ratio, and the share it claims at a rate, against oracles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_curve

from relinkage.linkage.settings import Resampling
from relinkage.linkage.uncertainty import draw_patients
from relinkage.privacy.membership import (
    log_likelihood_ratios,
    log_odds,
    rates_at,
    shadow_coins,
    true_positive_rate,
)


def unit(rng, rows, width):
    vectors = rng.normal(size=(rows, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@given(seed=st.integers(0, 10**6), temperature=st.floats(0.05, 5))
def test_log_odds_are_those_of_loops(seed, temperature):
    rng = np.random.default_rng(seed)
    patient = np.sort(np.concatenate([np.arange(4), rng.integers(0, 4, 5)]))
    images, reports = unit(rng, 9, 3), unit(rng, 9, 3)
    bank = np.array([0, 4, 8, 2])
    odds = [[] for _ in range(4)]
    for i in range(9):
        both = []
        for a, b in ((images, reports), (reports, images)):
            score = a[i].astype(float) @ b[i] / temperature
            others = [
                np.exp(a[i].astype(float) @ b[j] / temperature) for j in bank if patient[j] != patient[i]
            ]
            both.append(score - np.log(sum(others)))
        odds[patient[i]].append(np.mean(both))
    expected = [np.mean(each) for each in odds]
    np.testing.assert_allclose(log_odds(images, reports, patient, bank, temperature), expected, rtol=1e-5)


@given(seed=st.integers(0, 10**6), shadows=st.sampled_from([4, 6, 16]))
def test_ratios_are_those_of_two_normal_densities(seed, shadows):
    rng = np.random.default_rng(seed)
    inside = shadow_coins(shadows, 5, rng)
    scores, drawn = rng.normal(size=(3, 5)), rng.normal(size=(shadows, 5))
    expected = np.empty((3, 5))
    for patient in range(5):
        trained, others = drawn[inside[:, patient], patient], drawn[~inside[:, patient], patient]
        squares = ((trained - trained.mean()) ** 2).sum() + ((others - others.mean()) ** 2).sum()
        deviation = np.sqrt(squares / (shadows - 2))
        for head in range(3):
            x = scores[head, patient]
            expected[head, patient] = norm.logpdf(x, trained.mean(), deviation)
            expected[head, patient] -= norm.logpdf(x, others.mean(), deviation)
    np.testing.assert_allclose(log_likelihood_ratios(scores, drawn, inside), expected, rtol=1e-8, atol=1e-8)


@given(seed=st.integers(0, 10**6), scale=st.floats(0.01, 100), shift=st.floats(-50, 50))
def test_ratios_know_no_scale_of_the_scores(seed, scale, shift):
    rng = np.random.default_rng(seed)
    inside = shadow_coins(8, 6, rng)
    scores, drawn = rng.normal(size=(2, 6)), rng.normal(size=(8, 6))
    plain = log_likelihood_ratios(scores, drawn, inside)
    moved = log_likelihood_ratios(scale * scores + shift, scale * drawn + shift, inside)
    np.testing.assert_allclose(moved, plain, rtol=1e-5, atol=1e-6)


def test_ratios_of_heads_that_never_vary_are_numbers():
    inside = shadow_coins(4, 3, np.random.default_rng(0))
    assert np.isfinite(log_likelihood_ratios(np.ones((2, 3)), np.ones((4, 3)), inside)).all()


@given(shadows=st.sampled_from([4, 8, 64]), patients=st.integers(1, 30), seed=st.integers(0, 99))
def test_shadow_coins_let_each_patient_train_half(shadows, patients, seed):
    inside = shadow_coins(shadows, patients, np.random.default_rng(seed))
    assert (inside.sum(axis=0) == shadows // 2).all()


@given(seed=st.integers(0, 10**6), patients=st.integers(4, 40), rate=st.sampled_from([0.0123, 0.1057, 0.503]))
def test_true_positive_rate_is_that_of_the_roc_curve(seed, patients, rate):
    rng = np.random.default_rng(seed)
    inside = np.arange(patients) % 2 == 0
    scores = rng.integers(0, 6, patients) / 2.0
    false, right, _ = roc_curve(inside, scores, drop_intermediate=False)
    assert true_positive_rate(scores, inside, rate) == pytest.approx(np.interp(rate, false, right))


def test_rates_draw_patients_with_all_their_scores():
    rng = np.random.default_rng(3)
    scores, inside = rng.normal(size=(3, 30)), rng.random((3, 30)) < 0.5
    drawn = rates_at(scores, inside, 0.1057, Resampling(replicates=100, seed=5))
    weights = np.empty((100, 30))
    draw_patients(np.random.SeedSequence(5).generate_state(1, np.uint64)[0], 0, weights)
    for row in range(20):
        times = weights[row].astype(int)
        repeated = [np.repeat(each, times, axis=1).ravel() for each in (scores, inside)]
        assert drawn.replicates[row, 0] == pytest.approx(true_positive_rate(*repeated, 0.1057))
    assert drawn.means[0] == pytest.approx(true_positive_rate(scores.ravel(), inside.ravel(), 0.1057))


@pytest.mark.slow
@pytest.mark.parametrize(("patients", "shift"), [(300, 0.0), (300, 1.5), (1500, 0.5)])
def test_rates_hold_the_truth_in_their_intervals(patients, shift):
    rng, held, cohorts = np.random.default_rng(0), 0, 400
    truth = norm.sf(norm.isf(0.01) - shift)
    for cohort in range(cohorts):
        inside = rng.random((5, patients)) < 0.5
        own = np.sqrt(0.5) * rng.normal(size=patients)
        scores = own + np.sqrt(0.5) * rng.normal(size=(5, patients)) + shift * inside
        shown = rates_at(scores, inside, 0.01, Resampling(replicates=500, seed=cohort)).interval(0.95)
        held += shown.low[0] <= truth <= shown.high[0]
    assert held / cohorts >= 0.93
