"""AUROC is a count of pairs, its bootstrap is that of repeated rows, and its intervals cover the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from relinkage.linkage import Resampling
from relinkage.usefulness.auroc import auroc, auroc_bootstrap, auroc_replicates, patient_draws
from relinkage.usefulness.paired import Paired


def by_pairs(scores, truth):
    """Count pairs of a positive and a negative image, ties half."""
    wins = total = 0.0
    for positive in scores[truth == 1]:
        for negative in scores[truth == 0]:
            wins += 1.0 if positive > negative else 0.5 if positive == negative else 0.0
            total += 1
    return wins / total if total else np.nan


def images(seed, rows=80, labels=3, lattice=None):
    random = np.random.default_rng(seed)
    scores = random.normal(size=(rows, labels))
    if lattice:
        scores = np.round(scores * lattice) / lattice
    truth = random.choice([1, 0, -1], size=(rows, labels), p=[0.3, 0.5, 0.2]).astype(np.int8)
    patient = np.unique(random.integers(0, rows // 3, rows), return_inverse=True)[1]
    return scores, truth, patient


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("lattice", [None, 1, 4])
def test_auroc_counts_pairs_of_images_with_ties_half_and_leaves_images_out(seed, lattice):
    scores, truth, _ = images(seed, lattice=lattice)
    expected = [by_pairs(scores[:, label], truth[:, label]) for label in range(3)]
    np.testing.assert_allclose(auroc(scores, truth), expected, rtol=1e-14)


def test_auroc_is_nan_where_a_kind_of_image_is_lacking():
    scores = np.arange(4.0)[:, None].repeat(3, axis=1)
    truth = np.array([[1, 0, -1]] * 4, np.int8)
    assert np.isnan(auroc(scores, truth)).all()


@given(st.integers(0, 50), st.sampled_from([None, 2]))
def test_laws_of_auroc(seed, lattice):
    scores, truth, _ = images(seed, rows=30, lattice=lattice)
    areas = auroc(scores, truth)
    rising = np.arctan(scores) * 3 + 1
    np.testing.assert_allclose(auroc(rising, truth), areas)
    np.testing.assert_allclose(auroc(-scores, truth), 1 - areas)
    swapped = np.where(truth < 0, truth, 1 - truth).astype(np.int8)
    np.testing.assert_allclose(auroc(scores, swapped), 1 - areas)
    np.testing.assert_allclose(auroc(np.zeros_like(scores), truth), np.where(np.isnan(areas), np.nan, 0.5))


@given(st.integers(0, 30))
def test_equal_vectors_tie_whatever_rows_of_a_product_they_stand_in(seed):
    """A BLAS rounds the same row differently by where it stands."""
    random = np.random.default_rng(seed)
    kinds = random.normal(size=(4, 300))
    which = random.integers(0, 4, 101)
    truth = random.integers(0, 2, (101, 3)).astype(np.int8)
    weights = random.normal(size=(300, 3))
    expected = [by_pairs((kinds @ weights)[which, label], truth[:, label]) for label in range(3)]
    np.testing.assert_allclose(auroc(kinds[which] @ weights, truth), expected)


@pytest.mark.parametrize("lattice", [None, 2])
def test_a_replicate_is_the_auroc_of_the_rows_repeated(lattice):
    scores, truth, patient = images(7, lattice=lattice)
    drawn = auroc_replicates(scores, truth, patient, 150, seed=3)
    weights = np.concatenate(list(patient_draws(patient.max() + 1, 150, seed=3)), axis=1)
    assert weights.shape == (patient.max() + 1, 150)
    assert (weights.sum(axis=0) == patient.max() + 1).all()
    for replicate in (0, 1, 63, 64, 149):
        rows = np.repeat(np.arange(len(scores)), weights[patient, replicate].astype(int))
        expected = [by_pairs(scores[rows, label], truth[rows, label]) for label in range(3)]
        np.testing.assert_allclose(drawn[replicate], expected, rtol=1e-13)


def test_the_same_seed_draws_the_same_patients_for_every_scorer():
    scores, truth, patient = images(1)
    first = auroc_replicates(scores, truth, patient, 100, seed=5)
    np.testing.assert_array_equal(auroc_replicates(scores, truth, patient, 100, seed=5), first)
    np.testing.assert_allclose(auroc_replicates(np.exp(scores), truth, patient, 100, seed=5), first)
    assert (auroc_replicates(scores, truth, patient, 100, seed=6) != first).any()


def test_the_macro_auroc_comes_last_and_is_the_mean_of_the_labels():
    scores, truth, patient = images(2, rows=200)
    made = auroc_bootstrap(scores, truth, patient, Resampling(replicates=200, seed=0))
    areas = auroc(scores, truth)
    np.testing.assert_allclose(made.means, [*areas, areas.mean()])
    np.testing.assert_allclose(made.replicates[:, 3], made.replicates[:, :3].mean(axis=1))
    assert made.patients[3] == patient.max() + 1


def test_a_perfect_scorer_has_an_interval_of_some_width():
    truth = np.repeat([1, 0], [12, 60]).astype(np.int8)[:, None]
    made = auroc_bootstrap(truth.astype(float), truth, np.arange(72), Resampling(replicates=200, seed=0))
    estimate = made.interval(0.95)
    assert estimate.mean[0] == estimate.high[0] == 1
    assert 0.6 < estimate.low[0] < 0.85  # twelve of twelve patients: Clopper-Pearson


def cohort(random, patients, rate, shift):
    """Draw two scorers of the same images whose true AUROCs are Φ(shift/√2) and Φ(0.8 shift/√2)."""
    patient = np.repeat(np.arange(patients), random.integers(1, 5, patients))
    rows = len(patient)
    positive = np.where(
        random.random(rows) < 0.1, random.random(rows) < rate, (random.random(patients) < rate)[patient]
    )

    def noise():
        return np.sqrt(0.6) * random.normal(size=patients)[patient] + np.sqrt(0.4) * random.normal(size=rows)

    shared = noise()
    scores = shift * positive + shared, 0.8 * shift * positive + 0.7 * shared + np.sqrt(0.51) * noise()
    return [score[:, None] for score in scores], positive.astype(np.int8)[:, None], patient


@pytest.mark.slow
@pytest.mark.parametrize(("patients", "rate", "shift"), [(60, 0.25, 1.0), (200, 0.2, 1.5)])
def test_intervals_of_areas_and_of_their_paired_difference_cover_the_truth(patients, rate, shift):
    """Of 200 cohorts whose patients have several alike images, 95 % intervals hold 95 % within error."""
    truth = [norm.cdf(shift / np.sqrt(2)), norm.cdf(0.8 * shift / np.sqrt(2))]
    truth.append(truth[0] - truth[1])
    hits = np.zeros(3)
    for seed in range(200):
        scores, labels, patient = cohort(np.random.default_rng(seed), patients, rate, shift)
        sides = [
            auroc_bootstrap(score, labels, patient, Resampling(replicates=300, seed=seed)) for score in scores
        ]
        paired = Paired.of(*sides, 0.95)
        made = (paired.measured, paired.baseline, paired.difference)
        hits += [side.low[0] <= value <= side.high[0] for side, value in zip(made, truth, strict=True)]
    for count in hits:
        assert binomtest(int(count), 200, 0.95).pvalue > 0.001, hits / 200


def rare(random, patients, positive, area, images):
    """Draw normal scores of a known area; a patient's images are alike, and the first patients positive."""
    patient = np.repeat(np.arange(patients), images)
    truth = (patient < positive).astype(np.int8)
    alike = 0.6 if images > 1 else 0.0
    noise = np.sqrt(alike) * random.normal(size=patients)[patient]
    noise += np.sqrt(1 - alike) * random.normal(size=len(patient))
    return (np.sqrt(2) * norm.ppf(area) * truth + noise)[:, None], truth[:, None], patient


def held(cohorts, patients, positive, area, images, replicates=200):
    count, random = 0, np.random.default_rng([patients, positive, images])
    for seed in range(cohorts):
        made = auroc_bootstrap(
            *rare(random, patients, positive, area, images), Resampling(replicates=replicates, seed=seed)
        )
        estimate = made.interval(0.95)
        count += estimate.low[0] <= area <= estimate.high[0]
    return count / cohorts


def test_lucky_positives_are_allowed_for():
    assert held(80, 200, 8, 0.97, 1) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize(
    ("patients", "positive", "areas"),
    [(200, 5, (0.8, 0.95)), (1000, 10, (0.8, 0.95, 0.99)), (1000, 50, (0.95, 0.99)), (200, 20, (0.8, 0.95))],
)
@pytest.mark.parametrize("images", [1, 3])
def test_of_500_cohorts_with_few_positives_92_in_a_hundred_hold_the_truth(patients, positive, areas, images):
    for area in areas:
        assert held(500, patients, positive, area, images) >= 0.92, area


def test_a_rare_class_whose_images_are_mostly_one_patients_is_as_rare_as_it_tells():
    random = np.random.default_rng(3)
    truth = np.repeat([1, 0], [60, 200]).astype(np.int8)[:, None]
    scores = truth + random.normal(size=truth.shape)
    even, one = np.repeat(np.arange(130), 2), np.concatenate([np.repeat([0], 20), np.arange(1, 241)])
    resampling = Resampling(replicates=200, seed=0)
    widths = []
    for patient in (even, one):
        made = auroc_bootstrap(scores, truth, patient, resampling)
        estimate = made.interval(0.95)
        widths.append(estimate.high[0] - estimate.low[0])
    assert made.effective_patients[0] == pytest.approx(60**2 / (20**2 + 40))
    assert widths[1] > 1.2 * widths[0]


def test_the_mean_of_labels_that_are_one_has_the_interval_of_that_one():
    random = np.random.default_rng(4)
    scores, truth, patient = rare(random, 100, 8, 0.9, 2)
    for labels in (1, 3):
        copies = np.repeat(scores, labels, axis=1), np.repeat(truth, labels, axis=1)
        estimate = auroc_bootstrap(*copies, patient, Resampling(replicates=200, seed=0)).interval(0.95)
        np.testing.assert_allclose(estimate.low, estimate.low[0], rtol=1e-6)
        np.testing.assert_allclose(estimate.high, estimate.high[0], rtol=1e-6)


def test_the_mean_of_labels_that_have_nothing_to_do_with_each_other_rests_on_all_of_their_patients():
    random = np.random.default_rng(5)
    truth = np.zeros((400, 6), np.int8)
    for label in range(6):
        truth[30 * label : 30 * (label + 1), label] = 1
    scores = truth + random.normal(size=truth.shape)
    made = auroc_bootstrap(scores, truth, np.arange(400), Resampling(replicates=1000, seed=0))
    assert made.effective_patients[:6].tolist() == [30] * 6
    assert 0.6 * 180 < made.effective_patients[6] < 1.5 * 180
