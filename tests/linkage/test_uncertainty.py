"""Intervals: patients are drawn, not queries; few hits get an exact interval; the truth is covered."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, norm, t

from relinkage.linkage.uncertainty import ClusterBootstrap, draw_patients, evened


def interval(values, patient, level=0.95, replicates=400, seed=0):
    values = np.asarray(values, np.float64)
    columns = values if values.ndim == 2 else values[:, None]
    made = ClusterBootstrap.draw(columns, np.asarray(patient), replicates, seed).interval(level)
    return made if values.ndim == 2 else (made.mean[0], made.low[0], made.high[0])


def outcomes(rng, patients, studies, recall, alike):
    """Zeros and ones: a patient's own recall is recall ± what makes their studies alike; how many vary."""
    own = rng.beta(recall * (1 / alike - 1), (1 - recall) * (1 / alike - 1), patients)
    patient = np.repeat(np.arange(patients), rng.integers(1, 2 * studies, patients))
    return (rng.random(len(patient)) < own[patient]).astype(np.float64), patient


def test_the_mean_is_the_mean_over_queries():
    rng = np.random.default_rng(0)
    values, patient = rng.random((500, 3)), rng.integers(0, 90, 500)
    values[rng.random((500, 3)) < 0.2] = np.nan
    made = interval(values, patient)
    np.testing.assert_allclose(made.mean, np.nanmean(values, axis=0))
    assert (made.low < made.mean).all()
    assert (made.mean < made.high).all()


def test_replicates_are_those_of_a_loop_over_the_same_draws():
    rng = np.random.default_rng(1)
    values, patient = rng.random((60, 2)), rng.choice([3, 8, 11, 40, 41, 77, 90], 60)
    values[::4, 1] = np.nan
    made = ClusterBootstrap.draw(values, patient, 150, seed=5).replicates
    numbers, weights = np.unique(patient), np.empty((150, 7))
    draw_patients(np.random.SeedSequence(5).generate_state(1, np.uint64)[0], 0, weights)
    expected = []
    for times in weights.astype(int):
        drawn = np.repeat(numbers, times)
        queries = np.concatenate([np.flatnonzero(patient == number) for number in drawn])
        expected.append(np.nanmean(values[queries], axis=0))
    np.testing.assert_allclose(made, expected)


def test_patients_are_drawn_evenly_and_independently_with_replacement():
    patients, replicates = 37, 40_000
    weights = np.empty((replicates, patients))
    draw_patients(123, 0, weights)
    assert (weights.sum(axis=1) == patients).all()
    share = 1 / patients
    spread = np.sqrt((1 - share) / replicates)
    assert weights.mean(axis=0) == pytest.approx(np.ones(patients), abs=5 * spread)
    # A multinomial's variance is 1 − p, its covariance −p, and the whole law of one count is binomial.
    covariance = np.cov(weights.T)
    expected = np.where(np.eye(patients, dtype=bool), 1 - share, -share)
    assert covariance == pytest.approx(expected, abs=0.05)
    seen = [(weights == times).mean() for times in range(5)]
    assert seen == pytest.approx(binom.pmf(range(5), patients, share), abs=0.002)
    assert abs(np.corrcoef(weights[:-1, 0], weights[1:, 0])[0, 1]) < 5 / np.sqrt(replicates)


def test_how_many_are_drawn_at_a_time_does_not_matter():
    whole, part = np.empty((50, 9)), np.empty((13, 9))
    draw_patients(7, 0, whole)
    draw_patients(7, 20, part)
    np.testing.assert_array_equal(part, whole[20:33])


def test_one_seed_one_interval():
    values, patient = outcomes(np.random.default_rng(2), 80, 3, 0.4, 0.2)
    assert interval(values, patient, seed=7) == interval(values, patient, seed=7)
    assert interval(values, patient, seed=7) != interval(values, patient, seed=8)


@given(st.permutations(range(24)))
def test_neither_the_order_of_rows_nor_the_numbers_of_patients_matter(order):
    values, patient = outcomes(np.random.default_rng(3), 12, 2, 0.5, 0.2)
    order = [row for row in order if row < len(values)]
    same = interval(values[: len(order)], patient[: len(order)], replicates=100)
    shuffled = interval(values[order], patient[order] * 7 + 1, replicates=100)
    np.testing.assert_allclose(same, shuffled)


def test_copies_of_a_patients_study_tell_nothing_new():
    rng = np.random.default_rng(4)
    single = (rng.random(400) < 0.3).astype(np.float64)
    once = interval(single, np.arange(400))
    copied = interval(np.repeat(single, 10), np.repeat(np.arange(400), 10))
    pretended = interval(np.repeat(single, 10), np.arange(4000))
    assert copied == pytest.approx(once, abs=1e-9)
    assert pretended[2] - pretended[1] < (once[2] - once[1]) / 2


@pytest.mark.parametrize("patients", [2, 5, 40, 3000])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
def test_at_nought_and_at_one_the_interval_is_clopper_and_pearsons_on_patients(patients, level):
    """With no hit among n the upper end p has (1 − p)ⁿ = α/2; n is reduced as for few clusters."""
    patient = np.repeat(np.arange(patients), 7)
    tail = (1 - level) / 2
    n = patients * (norm.isf(tail) / t.isf(tail, patients - 1)) ** 2
    width = 1 - tail ** (1 / n)
    assert interval(np.zeros(len(patient)), patient, level, 100) == pytest.approx((0, 0, width))
    assert interval(np.ones(len(patient)), patient, level, 100) == pytest.approx((1, 1 - width, 1))
    assert width > 0


@pytest.mark.parametrize("tiny", [1e-300, 1e-12, 1e-6])
def test_next_to_nought_and_to_one_the_interval_is_the_same(tiny):
    """Expected recalls of a millionth are no hits: they do not show how hits cluster within patients."""
    patient = np.repeat(np.arange(50), 10)
    values = tiny * np.random.default_rng(5).random(500)
    np.testing.assert_allclose(interval(values, patient), interval(0 * values, patient), atol=1e-4)
    np.testing.assert_allclose(interval(1 - values, patient), interval(0 * values + 1, patient), atol=1e-4)


def test_few_hits_in_as_many_patients_get_clopper_and_pearsons_interval():
    values = np.zeros(2000)
    values[:4] = 1
    exact = binomtest(4, 2000).proportion_ci(0.95)
    assert interval(values, np.arange(2000))[1:] == pytest.approx((exact.low, exact.high), rel=0.02)


def test_one_patient_says_nothing():
    assert interval([0.2, 0.7, 0.3], [4, 4, 4])[1:] == (0, 1)


def test_a_cell_without_a_value_has_no_interval():
    values = np.array([[0.5, np.nan], [0.2, np.nan], [0.9, np.nan]])
    made = interval(values, [0, 1, 2])
    assert np.isnan([made.mean[1], made.low[1], made.high[1]]).all()
    assert not np.isnan([made.mean[0], made.low[0], made.high[0]]).any()


def test_no_cells_have_no_intervals():
    made = interval(np.empty((3, 0)), [0, 1, 1])
    assert (len(made.mean), len(made.low), len(made.high)) == (0, 0, 0)


def test_patients_count_where_they_have_a_value():
    values = np.full((40, 1), np.nan)
    values[:8] = 0
    patient = np.repeat(np.arange(10), 4)
    made = ClusterBootstrap.draw(values, patient, 100, 0)
    assert made.patients.tolist() == [2]
    assert made.interval(0.95).high[0] == interval(np.zeros(8), patient[:8])[2]


def test_effective_patients_are_as_many_equal_ones_as_vary_as_much():
    """Each patient is found or not with all of its queries; the variance of the mean tells how many count."""
    rng, queries = np.random.default_rng(10), np.array([1, 1, 2, 3, 5, 8, 20])
    found = rng.random((200_000, len(queries))) < 0.3
    variance = (found @ queries / queries.sum()).var()
    assert evened(queries[:, None] * 1.0)[0] == pytest.approx(0.3 * 0.7 / variance, rel=0.02)


@given(st.lists(st.integers(0, 500), min_size=1, max_size=30), st.integers(1, 9))
def test_effective_patients_are_no_more_than_patients_and_no_scale_matters(queries, times):
    counts = np.array(queries, np.float64)[:, None]
    patients, effective = (counts > 0).sum(), evened(counts)[0]
    assert min(patients, 2) <= effective <= patients * (1 + 1e-12)
    assert evened(times * counts)[0] == pytest.approx(effective)
    equal = np.full((len(queries), 1), float(times))
    assert evened(equal)[0] == len(queries)


@pytest.mark.parametrize("level", [0.95, 0.999])
def test_a_mean_that_never_moves_has_both_ends_on_itself(level):
    values = np.ones((30, 2))
    drawn = ClusterBootstrap.draw(values, np.arange(30), 100, 0)
    made = drawn.interval(level, np.array([True, False]))
    assert (made.low[0], made.high[0]) == (1, 1)
    assert made.low[1] < 1


def large_patient(rng, patients, share, recall, alike):
    """Zeros and ones of patients with three studies, and of one with a share of all studies."""
    studies = np.full(patients, 3)
    studies[0] = round(share / (1 - share) * studies[1:].sum())
    own = rng.beta(recall * (1 / alike - 1), (1 - recall) * (1 / alike - 1), patients)
    patient = np.repeat(np.arange(patients), studies)
    return (rng.random(len(patient)) < own[patient]).astype(np.float64), patient


def held_by(intervals, cohorts, patients, recall, alike):
    rng, held = np.random.default_rng(11), 0
    for seed in range(cohorts):
        _, low, high = intervals(*large_patient(rng, patients, 0.4, recall, alike), replicates=200, seed=seed)
        held += low <= recall <= high
    return held / cohorts


def test_a_patient_with_two_fifths_of_the_images_is_allowed_for():
    assert held_by(interval, 100, 60, 0.2, 0.3) >= 0.92


@pytest.mark.slow
@pytest.mark.parametrize("patients", [20, 200, 300])
@pytest.mark.parametrize("recall", [0.01, 0.05, 0.2, 0.5])
@pytest.mark.parametrize("alike", [0.1, 0.3])
def test_of_500_cohorts_with_one_large_patient_92_in_a_hundred_hold_the_truth(patients, recall, alike):
    assert held_by(interval, 500, patients, recall, alike) >= 0.92


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95, 0.99, 0.999])
def test_a_higher_level_gives_a_wider_interval(level):
    values, patient = outcomes(np.random.default_rng(6), 60, 3, 0.4, 0.2)
    _, low, high = interval(values, patient, level, 2000)
    _, wider_low, wider_high = interval(values, patient, (1 + level) / 2, 2000)
    assert wider_low < low < values.mean() < high < wider_high


def test_a_level_beyond_the_outermost_of_few_replicates_is_not_cut_off_there():
    values, patient = outcomes(np.random.default_rng(9), 300, 2, 0.4, 0.2)
    mean, low, high = interval(values, patient, 0.999, replicates=100)
    _, many_low, many_high = interval(values, patient, 0.999, replicates=20_000)
    assert high - low == pytest.approx(many_high - many_low, rel=0.2)
    assert low < mean < high


@pytest.mark.slow
@pytest.mark.parametrize(
    ("patients", "studies", "recall", "alike", "least", "most"),
    [
        (100, 4, 0.30, 0.3, 0.93, 0.97),
        (400, 3, 0.05, 0.1, 0.93, 0.97),
        (15, 6, 0.50, 0.5, 0.92, 0.98),  # few patients
        (150, 3, 0.01, 0.3, 0.93, 1.0),  # few hits: exact intervals may only be too wide
    ],
)
def test_of_intervals_at_95_per_cent_95_in_a_hundred_hold_the_truth(
    patients, studies, recall, alike, least, most
):
    rng = np.random.default_rng(7)
    held = 0
    for seed in range(1000):
        values, patient = outcomes(rng, patients, studies, recall, alike)
        _, low, high = interval(values, patient, replicates=300, seed=seed)
        held += low <= recall <= high
    assert least <= held / 1000 <= most


@pytest.mark.slow
def test_rare_patients_who_are_always_found_are_allowed_for():
    """One patient in fifty is found by every study, the others next to never: 37 % of cohorts hold none."""
    rng, held = np.random.default_rng(8), 0
    patient = np.repeat(np.arange(50), 10)
    for seed in range(1000):
        values = np.where(rng.random(50) < 0.02, 0.9, 1e-9)[patient]
        _, low, high = interval(values, patient, replicates=100, seed=seed)
        held += low <= 0.02 * 0.9 <= high
    assert held / 1000 > 0.93


def test_a_mean_of_values_that_are_all_one_is_one():
    """Sums of shares may round up: what is written must stay a share."""
    values = np.full((160, 3), np.nextafter(1.0, 2.0))
    found = ClusterBootstrap.draw(values, np.arange(160) // 2, 100, 0).interval(0.95)
    assert (found.mean == 1).all()
