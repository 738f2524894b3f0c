"""Intervals of the open set hold the figures at the stated rate of false claims, over many cohorts.

The right values come from four hundred thousand searches with thresholds that are set on all of
them, and share nothing with the code under test.
"""

import numpy as np
import pytest

from relinkage.linkage.cross_fitting import FPIR, TPIR, CrossFitted, Half, Summed
from relinkage.linkage.open_set_rows import share_right
from relinkage.linkage.settings import Resampling

CORRELATED = 0.3


def searches(random, patients, each):
    """Best impostors and mates of searches that are alike within a patient; whether the mate is the best."""
    patient = np.repeat(np.arange(patients), each)
    common = random.normal(size=(patients, 2))[patient]
    own = random.normal(size=(2, patients * each))
    impostor, mate = np.sqrt(CORRELATED) * common.T + np.sqrt(1 - CORRELATED) * own
    return patient, impostor, mate + 1


def at(threshold, impostor, mate):
    """Right, false and wrong claims at thresholds: float64, shape (searches, thresholds) each."""
    right = (mate[:, None] >= threshold) & (mate > impostor)[:, None]
    wrong = (impostor[:, None] >= threshold) & (mate <= impostor)[:, None]
    return right * 1.0, (impostor[:, None] >= threshold) * 1.0, wrong * 1.0


def truth(rate):
    """TPIR and PPV at priors of 0.5 and 0.01, with the threshold that keeps to the rate for good."""
    _, impostor, mate = searches(np.random.default_rng(99), 100_000, 4)
    right, false, wrong = (x.mean() for x in at(np.quantile(impostor, [1 - rate]), impostor, mate))
    assert false == pytest.approx(rate, abs=1e-4)
    return right, [p * right / (p * (right + wrong) + (1 - p) * rate) for p in (0.5, 0.01)]


def fitted(random, patients, each, rate, replicates):
    patient, impostor, mate = searches(random, patients, each)
    levels = np.append(np.geomspace(0.95, rate / 16, 32), 0)
    grid = np.concatenate([[-9], np.unique(np.quantile(impostor, 1 - levels)) + 1e-12, [9]])
    values = at(grid, impostor, mate)
    halves = []
    for side in (patient < patients // 2, patient >= patients // 2):
        right, false, wrong = (value[side] for value in values)
        halves.append(
            Half(Summed.of(right, patient[side]), Summed.of(np.hstack([false, wrong]), patient[side]))
        )
    how = Resampling(replicates=replicates, seed=int(random.integers(2**31)))
    return CrossFitted.of((halves[0], halves[1]), grid, [rate], patients, how)


def covered(cohorts, patients, each, rate, replicates=300):
    """How often intervals hold the TPIR and the two PPV."""
    right, worth = truth(rate)
    random = np.random.default_rng(1)
    held = np.zeros(3)
    for _ in range(cohorts):
        found = fitted(random, patients, each, rate, replicates)
        shown = found.interval(TPIR, 0.95)
        held[0] += shown.low[0] <= right <= shown.high[0]
        for place, (prior, value) in enumerate(zip((0.5, 0.01), worth, strict=True), 1):
            _, low, high = found.worth(0, prior, 0.95)
            held[place] += low <= value <= high
    return held / cohorts


def test_intervals_hold_the_figures_at_the_stated_rate_in_most_cohorts():
    assert (covered(60, 200, 2, 0.1, replicates=150) >= 0.85).all()


@pytest.mark.slow
@pytest.mark.parametrize(("each", "rate"), [(2, 0.1), (2, 0.025), (6, 0.1), (6, 0.01), (20, 0.003)])
def test_intervals_hold_as_often_as_they_say(each, rate):
    """200 patients, 500 cohorts: a share of 95 % is seen within two points up or down."""
    held = covered(500, 200, each, rate)
    assert 0.92 <= held[0] <= 0.99
    assert (held[1:] >= 0.92).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_other_half_is_measured_at_the_share_of_two_thresholds_that_keeps_to_the_rate(seed):
    """Every search is given one of the two thresholds by lot, many times, by a rule of its own."""
    random = np.random.default_rng(seed)
    patients, rate = 60, 0.13
    found = fitted(random, patients, 3, rate, 100)
    patient, impostor, mate = searches(np.random.default_rng(seed), patients, 3)
    first = patient < patients // 2
    means = []
    for setting in (first, ~first):
        levels = np.append(np.geomspace(0.95, rate / 16, 32), 0)
        grid = np.concatenate([[-9], np.unique(np.quantile(impostor, 1 - levels)) + 1e-12, [9]])
        claimed = [(impostor[setting] >= threshold).mean() for threshold in grid]
        high = next(place for place, share in enumerate(claimed) if share <= rate)
        lower = (rate - claimed[high]) / (claimed[high - 1] - claimed[high])
        given = np.where(random.random((4000, (~setting).sum())) < lower, grid[high - 1], grid[high])
        i, m = impostor[~setting], mate[~setting]
        means.append([((m >= given) & (m > i)).mean(), (i >= given).mean()])
    expected = np.mean(means, axis=0)
    assert found.point.means[[TPIR, FPIR], 0, 0] == pytest.approx(expected, abs=2e-3)


def test_worth_is_by_the_formula_and_certain_figures_still_have_an_interval():
    """No mate is found in a hundred searches: the share of right claims may be more than nought."""
    patient = np.arange(100)
    nothing = np.zeros((100, 3))
    false = np.hstack([np.tile([1.0, 1.0, 0.0], (100, 1)), nothing])
    false[:90, 1] = 0
    false = false[np.random.default_rng(0).permutation(100)]
    sides = patient < 50, patient >= 50
    halves = [Half(Summed.of(nothing[s], patient[s]), Summed.of(false[s], patient[s])) for s in sides]
    found = CrossFitted.of((halves[0], halves[1]), np.arange(3.0), [0.1], 100, Resampling(replicates=200))
    value, low, high = found.worth(0, 0.5, 0.95)
    assert (value, low) == (0, 0)
    assert 0.05 < high < 0.6
    assert share_right(0.5, 0.2, 0.1, 0.1) == pytest.approx(0.5)
    assert share_right(0.5, 0.0, 0.0, 0.0) is None
