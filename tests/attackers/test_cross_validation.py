"""Settings are chosen on patients that were not fitted on."""

import numpy as np
import pytest
import shared_latent
from hypothesis import given
from hypothesis import strategies as st

from relinkage.attackers import cross_validation
from relinkage.attackers.cross_validation import choose, doubling, folds, largest_rank, mean_log_rank

PATIENTS = st.lists(st.integers(0, 30), min_size=10, max_size=120).filter(lambda p: len(set(p)) >= 5)


@given(PATIENTS, st.integers(0, 100))
def test_folds_share_no_patient_and_hold_every_pair_out_once(patients, seed):
    patient = np.array(patients)
    made = folds(patient, seed)
    assert len(made) == 5
    assert sorted(np.concatenate([held for _, held in made])) == list(range(len(patient)))
    for fitted, held in made:
        assert len(fitted) + len(held) == len(patient)
        assert not set(patient[fitted]) & set(patient[held])
        assert len(held) > 0


def test_a_large_fold_is_looked_at_in_part_but_fitted_on_in_whole(monkeypatch):
    monkeypatch.setattr(cross_validation, "LARGEST_FOLD", 7)
    for fitted, held in folds(np.arange(100), 0):
        assert (len(fitted), len(held)) == (80, 7)


def test_the_same_seed_gives_the_same_folds():
    one, two, other = ([held.tolist() for _, held in folds(np.arange(50), seed)] for seed in (1, 1, 2))
    assert one == two
    assert one != other


@pytest.mark.parametrize("seed", range(8))
def test_the_mean_log_rank_is_that_of_a_double_loop(seed):
    rng = np.random.default_rng(seed)
    scores, patient = rng.integers(0, 6, (40, 40)).astype(float), rng.integers(0, 25, 40)
    logs = []
    for turned in (scores, scores.T):
        for i in range(40):
            rank = 1.0
            for j in range(40):
                if patient[j] != patient[i]:
                    rank += float(turned[i, j] > turned[i, i]) + 0.5 * float(turned[i, j] == turned[i, i])
            logs.append(np.log(rank))
    assert mean_log_rank(scores, patient) == pytest.approx(np.mean(logs))


def test_mates_that_a_products_last_bit_tells_apart_tie():
    scores = np.full((3, 3), 0.7)
    for off in (-1e-15, 1e-15):
        assert mean_log_rank(scores + off * (1 - np.eye(3)), np.arange(3)) == pytest.approx(np.log(2))


@given(st.integers(1, 5000))
def test_components_double_up_to_the_largest(largest):
    grid = doubling(largest)
    assert grid[-1] == largest
    assert all(step < largest for step in grid[:-1])
    assert list(grid) == sorted(set(grid))
    assert all(step == 4 * 2**place for place, step in enumerate(grid[:-1]))


def test_no_fold_is_asked_for_more_components_than_it_has():
    pairs = shared_latent.draw(30, [0.5] * 3, widths=(50, 40)).known(np.arange(30))
    assert largest_rank(pairs, 0) == 23
    wide = shared_latent.draw(300, [0.5] * 3, widths=(50, 40)).known(np.arange(300))
    assert largest_rank(wide, 0) == 40


class Noisy:
    """Puts noise on the texts, as much as it is told."""

    def __init__(self, deviation):
        self.deviation = deviation

    def transform(self, images, texts):
        return images, texts + self.deviation * np.random.default_rng(0).normal(size=texts.shape)


def test_the_setting_that_ranks_held_out_mates_best_is_chosen():
    pairs = shared_latent.draw(200, [0.9] * 6).known(np.arange(200))
    assert choose(pairs, [3.0, 1.0, 0.0, 2.0], lambda known: Noisy, 0, "noise") == 0.0


def test_of_equal_settings_the_first_is_chosen():
    pairs = shared_latent.draw(50, [0.9] * 6).known(np.arange(50))
    assert choose(pairs, [0.0, 0.0], lambda known: Noisy, 0, "noise") == 0.0
    assert choose(pairs, ["first", "second"], lambda known: lambda _: Noisy(0.0), 0, "noise") == "first"


def test_what_is_fitted_never_sees_what_is_held_out():
    pairs = shared_latent.draw(60, [0.9] * 2, studies=3).known(np.arange(60))
    seen = []
    choose(pairs, [0.0], lambda known: seen.append(set(known.patient)) or Noisy, 0, "noise", looked_at=2)
    assert len(seen) == 2
    assert all(len(patients) == 16 for patients in seen)
