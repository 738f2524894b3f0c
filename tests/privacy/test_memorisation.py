"""Linkage of patients who trained beside that of patients who did not: oracles, laws, coverage, the bound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.linkage.settings import Resampling
from relinkage.privacy.memorisation import gaps, most_by_privacy

FEW = Resampling(replicates=200)


def cohort(rng, patients, coins, *, trained, held_out, alike=0.5):
    """Draw hits of two images a patient, alike under the published heads and those of every coin."""
    patient = np.repeat(np.arange(patients), 2)
    inside = (rng.random((coins, patients)) < 0.5)[:, patient]
    ease = np.where(rng.random(len(patient)) < alike, rng.random(patients)[patient], np.nan)
    luck = np.where(np.isnan(ease), rng.random((coins + 1, len(patient))), ease)
    hits = luck[:-1] < np.where(inside, trained, held_out)
    return hits[:, :, None].astype(float), (luck[-1] < held_out)[:, None].astype(float), inside, patient


@given(seed=st.integers(0, 10**6))
def test_gaps_are_means_of_both_halves(seed):
    rng = np.random.default_rng(seed)
    hits, published, inside, patient = cohort(rng, 30, 3, trained=0.7, held_out=0.4)
    (gap,) = gaps(hits, published, inside, patient, FEW, 0.99)
    both = np.broadcast_to(published[None], hits.shape)
    shares = [each[..., 0][side].mean() for each in (hits, both) for side in (inside, ~inside)]
    assert gap.trained.value == pytest.approx(shares[0])
    assert gap.held_out.value == pytest.approx(shares[1])
    assert gap.published_gap.value == pytest.approx(shares[2] - shares[3])
    assert gap.memorised.value == pytest.approx(shares[0] - shares[1] - shares[2] + shares[3])
    for coin in range(3):
        side = inside[coin]
        own, before = hits[coin, :, 0], published[:, 0]
        alone = own[side].mean() - own[~side].mean() - before[side].mean() + before[~side].mean()
        assert gap.by_coin[coin] == pytest.approx(alone)
    assert gap.memorised.low <= gap.memorised.value <= gap.memorised.high
    assert gap.least <= gap.trained.low
    assert gap.most >= gap.held_out.high
    assert (gap.queries, gap.patients) == (180, 30)


def test_gaps_leave_out_queries_without_a_value():
    hits, published, inside, patient = cohort(np.random.default_rng(1), 40, 2, trained=0.6, held_out=0.5)
    kept = patient < 30
    short = [np.where(kept[:, None], each, np.nan) for each in (hits, published)]
    (gap,) = gaps(*short, inside, patient, FEW, 0.99)
    (same,) = gaps(hits[:, kept], published[kept], inside[:, kept], patient[kept], FEW, 0.99)
    assert (gap.memorised.value, gap.queries) == (same.memorised.value, same.queries)


def test_gaps_of_the_published_heads_themselves_are_nothing():
    _, published, inside, patient = cohort(np.random.default_rng(0), 200, 3, trained=0.5, held_out=0.5)
    (gap,) = gaps(np.stack([published] * 3), published, inside, patient, FEW, 0.99)
    assert (gap.memorised.value, gap.memorised.low, gap.memorised.high) == (0, 0, 0)


def test_gaps_have_width_where_nobody_is_hit():
    hits, published, inside, patient = cohort(np.random.default_rng(0), 100, 2, trained=0, held_out=0)
    (gap,) = gaps(hits, published, inside, patient, FEW, 0.99)
    assert gap.memorised.low < 0 < gap.memorised.high


@pytest.mark.slow
@pytest.mark.parametrize("coins", [1, 5])
@pytest.mark.parametrize(
    ("patients", "trained", "held_out"), [(100, 0.4, 0.3), (400, 0.03, 0.03), (400, 0.03, 0.005)]
)
def test_gaps_hold_the_truth_in_their_intervals(patients, trained, held_out, coins):
    rng, held, cohorts = np.random.default_rng(0), 0, 400
    for number in range(cohorts):
        drawn = cohort(rng, patients, coins, trained=trained, held_out=held_out)
        (gap,) = gaps(*drawn, Resampling(replicates=400, seed=number), 0.99)
        held += gap.memorised.low <= trained - held_out <= gap.memorised.high
    assert held / cohorts >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize("held_out", [0.01, 0.2])
def test_least_and_most_refute_a_bound_that_is_met_seldom(held_out):
    """Hits that follow randomised response meet the bound exactly."""
    rng, refuted, cohorts = np.random.default_rng(0), 0, 400
    trained = most_by_privacy(held_out, 0.34, 1e-5)
    for number in range(cohorts):
        drawn = cohort(rng, 300, 3, trained=trained, held_out=held_out)
        (gap,) = gaps(*drawn, Resampling(replicates=400, seed=number), 0.95)
        refuted += gap.least > most_by_privacy(gap.most, 0.34, 1e-5)
    assert refuted / cohorts <= 0.05


def test_least_and_most_refute_a_bound_that_is_far_exceeded():
    drawn = cohort(np.random.default_rng(0), 500, 3, trained=0.5, held_out=0.2)
    (gap,) = gaps(*drawn, Resampling(replicates=400), 0.95)
    assert gap.least > most_by_privacy(gap.most, 0.34, 1e-5)


@given(share=st.floats(0, 1), epsilon=st.floats(0, 1000), delta=st.floats(0, 1))
def test_most_by_privacy_is_a_share_no_lower_than_that_of_the_others(share, epsilon, delta):
    assert share <= most_by_privacy(share, epsilon, delta) <= 1
