"""Paired tests: signs flip by patient, intervals draw patients once for both sides, Holm guards the table."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from relinkage.linkage.comparison import EXACT_UP_TO, Change, holm, sign_flip
from relinkage.linkage.measures import Resampling
from relinkage.linkage.uncertainty import draw_patients, expanded_percentiles

shares = st.floats(0, 1)


def every_sign(differences, patient):
    """The definition: all assignments of signs to patients, a sum each."""
    sums = [differences[patient == p].sum() for p in np.unique(patient)]
    seen = abs(sum(sums))
    reached = [
        abs(sum(sign * value for sign, value in zip(signs, sums, strict=True))) >= seen - 1e-12
        for signs in product((-1, 1), repeat=len(sums))
    ]
    return np.mean(reached)


def cohort(rng, patients, studies=3, cells=1):
    """Recalls before and after; patient by patient, a rise is as likely as a fall."""
    patient = np.repeat(np.arange(patients), rng.integers(1, 2 * studies, patients))
    own = rng.normal(0, 0.1, (patients, cells))[patient] + rng.normal(0, 0.05, (len(patient), cells))
    before = rng.random((len(patient), cells))
    return before, before + own, patient


def change(before, after, patient, replicates=300, seed=0):
    columns = [np.asarray(side, np.float64).reshape(len(patient), -1) for side in (before, after)]
    return Change.measure(*columns, np.asarray(patient), Resampling(replicates=replicates, seed=seed))


# --- the test ---------------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.booleans())
def test_few_patients_give_the_p_value_of_full_enumeration(seed, patients, whole):
    rng = np.random.default_rng(seed)
    patient = rng.permutation(np.repeat(np.arange(patients), rng.integers(1, 4, patients)))
    # Whole numbers tie, which is where a careless comparison of sums goes wrong.
    differences = rng.integers(-2, 3, len(patient)) / 3 if whole else rng.normal(0, 1, len(patient))
    p, exact = sign_flip(differences[:, None], patient)
    assert exact.all()
    assert p[0] == pytest.approx(every_sign(differences, patient))


def test_patients_without_a_difference_do_not_count_towards_the_limit():
    rng = np.random.default_rng(0)
    differences = np.zeros((400, 2))
    differences[:EXACT_UP_TO] = rng.normal(0.3, 1, (EXACT_UP_TO, 2))
    differences[EXACT_UP_TO, 1] = 0.2
    p, exact = sign_flip(differences, np.arange(400))
    assert exact.tolist() == [True, False]
    few = np.arange(EXACT_UP_TO)
    assert p[0] == pytest.approx(every_sign(differences[few, 0], few))


def test_random_signs_agree_with_enumeration_within_their_error():
    rng = np.random.default_rng(1)
    patients = EXACT_UP_TO + 2
    differences = rng.normal(0.35, 1, (patients, 4))
    p, exact = sign_flip(differences, np.arange(patients), flips=9_999)
    assert not exact.any()
    truth = np.array([every_sign(differences[:, cell], np.arange(patients)) for cell in range(4)])
    assert (np.abs(p - truth) < 5 * np.sqrt(truth * (1 - truth) / 9_999)).all()


@pytest.mark.parametrize("patients", [12, 60], ids=["enumerated", "sampled"])
def test_p_values_are_uniform_where_nothing_changed(patients):
    """Each cell is a cohort of its own, and studies of one patient move together."""
    rng = np.random.default_rng(2)
    before, after, patient = cohort(rng, patients, cells=1500)
    p, _ = sign_flip(after - before, patient, flips=499, seed=3)
    assert kstest(p, "uniform").pvalue > 0.01
    for level in (0.01, 0.05, 0.2):
        assert (p <= level).mean() == pytest.approx(level, abs=4 * np.sqrt(level / 1500))


def test_flipping_queries_instead_of_patients_would_not_be_uniform():
    """The reason for patients as units: taken one by one, their queries raise false alarms."""
    rng = np.random.default_rng(2)
    before, after, patient = cohort(rng, 60, cells=500)
    p, _ = sign_flip(after - before, np.arange(len(patient)), flips=199)
    assert (p <= 0.05).mean() > 0.1


def test_a_real_change_is_found_and_its_p_value_has_a_floor():
    rng = np.random.default_rng(4)
    before, _, patient = cohort(rng, 200)
    p, _ = sign_flip(before * -0.5, patient, flips=999)
    assert p[0] == 1 / 1000


@given(st.integers(0, 2**32 - 1), st.sampled_from([5, 40]))
def test_the_test_is_two_sided_and_knows_no_scale(seed, patients):
    rng = np.random.default_rng(seed)
    differences, patient = rng.normal(0.1, 1, (patients, 1)), np.arange(patients)
    p = [sign_flip(d, patient, flips=99, seed=1)[0][0] for d in (differences, -differences, 8 * differences)]
    assert p[0] == p[1] == p[2]


def test_the_same_seed_gives_the_same_p_values_and_missing_queries_change_none():
    rng = np.random.default_rng(6)
    before, after, patient = cohort(rng, 50, cells=2)
    difference = after - before
    difference[::3, 1] = np.nan
    p, _ = sign_flip(difference, patient, flips=499, seed=9)
    there = ~np.isnan(difference[:, 1])
    alone, _ = sign_flip(np.where(np.isnan(difference), 0, difference), patient, flips=499, seed=9)
    assert there.sum() < len(patient)
    np.testing.assert_array_equal(p, alone)
    np.testing.assert_array_equal(p, sign_flip(difference, patient, flips=499, seed=9)[0])


# --- Holm -------------------------------------------------------------------------------------------------


def holm_by_hand(p):
    """Holm's rule as it is told: smallest p-value first, none falls below the one before."""
    adjusted, highest = [0.0] * len(p), 0.0
    for step, place in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        highest = max(highest, min(1.0, (len(p) - step) * p[place]))
        adjusted[place] = highest
    return adjusted


def test_a_worked_example():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])


@given(st.lists(shares, min_size=1, max_size=40))
def test_holm_is_the_stepwise_rule(p):
    assert holm(np.array(p)).tolist() == holm_by_hand(p)


@given(st.lists(shares, min_size=1, max_size=40), st.randoms())
def test_holm_lies_between_no_adjustment_and_bonferroni_and_keeps_the_order(p, shuffle):
    raw, adjusted = np.array(p), holm(np.array(p))
    assert (adjusted >= raw).all()
    assert (adjusted <= np.minimum(len(p) * raw, 1)).all()
    assert (np.diff(adjusted[np.argsort(raw, kind="stable")]) >= 0).all()
    order = np.array(shuffle.sample(range(len(p)), len(p)))
    np.testing.assert_array_equal(holm(raw[order]), adjusted[order])


# --- intervals --------------------------------------------------------------------------------------------


def test_intervals_are_those_of_a_loop_over_the_same_draws():
    rng = np.random.default_rng(7)
    before, after, patient = cohort(rng, 40)
    before, after = before[:, 0], np.clip(after[:, 0] * 0.7, 0, 1)
    found = change(before, after, patient, replicates=250, seed=11)
    weights = np.empty((250, 40))
    draw_patients(np.random.SeedSequence(11).generate_state(1, np.uint64)[0], 0, weights)
    moved, ratio = [], []
    for times in weights.astype(int):
        drawn = np.repeat(np.arange(40), times)
        b = np.concatenate([before[patient == p] for p in drawn])
        a = np.concatenate([after[patient == p] for p in drawn])
        moved.append(a.mean() - b.mean())
        ratio.append(a.mean() / b.mean() - 1)
    queries = np.bincount(patient, minlength=40)
    effective = queries.sum() ** 2 / (queries**2).sum()
    for estimates, naive, value in (
        (found.difference, moved, after.mean() - before.mean()),
        (found.relative, ratio, after.mean() / before.mean() - 1),
    ):
        assert estimates.mean[0] == pytest.approx(value)
        expected = expanded_percentiles(np.array(naive), value, effective, 0.95)
        np.testing.assert_allclose([estimates.low[0], estimates.high[0]], expected)


def test_pairing_narrows_the_interval_where_the_same_patients_are_hard_for_both():
    rng = np.random.default_rng(8)
    patient = np.arange(300)
    before = rng.beta(0.5, 0.5, 300)
    both = change(before, 0.9 * before, patient)
    width = both.difference.high - both.difference.low
    alone = (both.before.high - both.before.low)[0]
    assert width[0] < alone / 5


@pytest.mark.parametrize("patients", [2, 30])
def test_identical_sides_have_no_difference_and_p_1(patients):
    before = np.random.default_rng(9).random((patients, 3))
    found = change(before, before, np.arange(patients))
    assert (found.difference.mean == 0).all()
    assert (found.relative.mean == 0).all()
    assert (found.p == 1).all()
    assert found.exact.all()


def test_swapping_before_and_after_turns_the_difference_round():
    rng = np.random.default_rng(10)
    before, after, patient = cohort(rng, 60, cells=3)
    before, after = np.clip(before, 0, 1), np.clip(after, 0, 1)
    forth, back = change(before, after, patient), change(after, before, patient)
    np.testing.assert_allclose(forth.difference.mean, -back.difference.mean)
    np.testing.assert_allclose(forth.difference.low, -back.difference.high)
    np.testing.assert_allclose(forth.relative.low, 1 / (1 + back.relative.high) - 1, rtol=1e-3)
    np.testing.assert_array_equal(forth.p, back.p)


def hits(number, of):
    return np.repeat([1.0, 0.0], [number, of - number])


def test_a_fall_to_zero_is_not_certain_to_be_whole():
    """No replicate of an empty side varies; its own interval still does."""
    found = change(hits(60, 400), hits(0, 400), np.arange(400))
    assert found.relative.mean[0] == found.relative.low[0] == -1
    assert -0.98 < found.relative.high[0] < -0.8
    assert found.difference.low[0] < -0.15 < found.difference.high[0] < -0.1


def test_no_share_of_zero_is_stated():
    found = change(hits(0, 400), hits(30, 400), np.arange(400))
    assert np.isnan([found.relative.mean[0], found.relative.low[0], found.relative.high[0]]).all()
    assert 0 < found.difference.low[0] < found.difference.high[0]


def test_nothing_found_by_either_leaves_the_difference_open_on_both_sides():
    found = change(hits(0, 400), hits(0, 400), np.arange(400))
    assert found.difference.low[0] == -found.difference.high[0]
    assert 0 < found.difference.high[0] < 0.02


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(0.3, 0.12), (0.04, 0.02), (0.02, 0.004)])
def test_intervals_cover_the_truth(before, after):
    """Hits that both sides share, several queries a patient; few hits take the other way to an interval."""
    rng = np.random.default_rng(12)
    inside = np.zeros(2)
    edges = np.quantile(rng.random(10**6) ** 0.5 * rng.random(10**6) ** 0.5, [1 - before, 1 - after])
    for seed in range(300):
        patient = np.repeat(np.arange(120), rng.integers(1, 4, 120))
        own = rng.random(120)[patient] ** 0.5 * rng.random(len(patient)) ** 0.5
        found = change(own > edges[0], own > edges[1], patient, replicates=200, seed=seed)
        low, high = found.difference.low[0], found.difference.high[0]
        inside[0] += low <= after - before <= high
        low, high = found.relative.low[0], found.relative.high[0]
        inside[1] += np.isnan(low) or low <= after / before - 1 <= high
    assert (inside / 300 > 0.91).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(0, 12), st.integers(0, 12))
def test_intervals_hold_their_estimate_and_stay_in_range(seed, patients, first, last):
    rng = np.random.default_rng(seed)
    queries = 13
    patient = rng.integers(0, patients, queries)
    before, after = (rng.permutation(hits(number, queries)) for number in (first, last))
    found = change(before, after, patient, replicates=100)
    difference, relative = found.difference, found.relative
    assert -1 <= difference.low[0] <= difference.mean[0] <= difference.high[0] <= 1
    if first:
        assert -1 <= relative.low[0] <= relative.mean[0] + 1e-12
        assert relative.mean[0] <= relative.high[0] + 1e-12


def test_a_change_of_what_is_1_on_both_sides_is_nought_without_width():
    ones = np.ones((20, 2))
    found = Change.measure(ones, ones, np.arange(20), Resampling(replicates=100), np.array([True, False]))
    for part in (found.difference, found.relative):
        assert (part.mean[0], part.low[0], part.high[0]) == (0, 0, 0)
        assert part.low[1] < 0 < part.high[1]
    assert (found.before.low[0], found.after.low[0]) == (1, 1)
