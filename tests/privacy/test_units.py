"""Units of privacy: a patient's pairs stand or fall together, and who is sampled is drawn for each alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.privacy.noise import SeededCoins, SystemCoins, coins
from relinkage.privacy.units import units_of

PATIENT = np.array([2, 0, 2, 1, 2, 0])


def keys(count=6):
    return np.arange(100, 100 + count).astype(np.uint64)


def test_a_patients_pairs_are_one_unit():
    units = units_of(PATIENT, keys(), "patient", None)
    assert len(units) == 3
    rows, owner = units.rows_of(np.array([0, 2]))
    assert rows.tolist() == [1, 5, 0, 2, 4]
    assert owner.tolist() == [0, 0, 1, 1, 1]


def test_a_cap_keeps_a_patients_first_pairs():
    units = units_of(PATIENT, keys(), "patient", 2)
    assert units.rows_of(np.arange(3))[0].tolist() == [1, 5, 3, 0, 2]


def test_pairs_as_units_stand_alone_and_the_cap_holds_for_their_patient():
    units = units_of(PATIENT, keys(), "pair", 2)
    assert len(units) == 5
    rows, owner = units.rows_of(np.arange(5))
    assert rows.tolist() == [1, 5, 3, 0, 2]
    assert owner.tolist() == [0, 1, 2, 3, 4]
    assert units.key.tolist() == [101, 105, 103, 100, 102]


@given(
    patient=st.lists(st.integers(0, 6), min_size=1, max_size=30),
    cap=st.none() | st.integers(1, 4),
    unit=st.sampled_from(["patient", "pair"]),
)
def test_every_kept_row_belongs_to_one_unit_of_its_own_patient(patient, cap, unit):
    patient = np.unique(patient, return_inverse=True)[1]
    units = units_of(patient, keys(len(patient)), unit, cap)
    rows, owner = units.rows_of(np.arange(len(units)))
    kept = np.minimum(np.bincount(patient), cap or 99)
    assert len(rows) == len(set(rows.tolist())) == kept.sum()
    np.testing.assert_array_equal(np.bincount(patient[rows], minlength=len(kept)), kept)
    assert len(units) == (kept.sum() if unit == "pair" else len(kept))
    for one in range(len(units)):
        assert len(set(patient[rows[owner == one]])) == 1
        assert units.key[one] in keys(len(patient))[rows[owner == one]]


def test_poisson_sampling_draws_each_unit_alone():
    """The number sampled has the variance of independent draws, and neighbours are not drawn together."""
    units = units_of(np.arange(400), keys(400), "patient", None)
    random = SeededCoins(0)
    drawn = np.zeros((2000, 400))
    for row in drawn:
        row[units.sample(0.1, random)] = 1
    counts = drawn.sum(1)
    assert counts.mean() == pytest.approx(40, abs=4 * np.sqrt(36 / 2000))
    assert counts.var() == pytest.approx(36, rel=0.15)
    assert np.corrcoef(drawn[:, 3], drawn[:, 4])[0, 1] == pytest.approx(0, abs=0.1)


def test_a_sampling_probability_of_one_takes_all_and_of_nothing_none():
    units = units_of(PATIENT, keys(), "patient", None)
    assert units.sample(1.0, SystemCoins()).tolist() == [0, 1, 2]
    assert units.sample(0.0, SystemCoins()).tolist() == []


@pytest.mark.parametrize("rate", [0.01, 0.3, 0.9, 0.999])
def test_every_unit_is_sampled_as_often_the_first_and_the_last_too(rate):
    units = units_of(np.arange(7), keys(7), "patient", None)
    random = SeededCoins(0)
    drawn = np.zeros(7)
    together = 0
    for _ in range(4000):
        chosen = units.sample(rate, random)
        assert len(set(chosen.tolist())) == len(chosen)
        drawn[chosen] += 1
        together += {2, 3} <= set(chosen.tolist())
    spread = 4.5 * np.sqrt(rate * (1 - rate) / 4000)
    assert drawn / 4000 == pytest.approx(rate, abs=spread)
    assert together / 4000 == pytest.approx(rate**2, abs=4.5 * np.sqrt(rate**2 * (1 - rate**2) / 4000))


def test_one_pair_of_a_unit_is_each_of_its_pairs_as_often():
    units, random = units_of(PATIENT, keys(), "patient", None), SeededCoins(1)
    drawn = np.array([units.one_row_of(np.array([2, 1]), random) for _ in range(3000)])
    assert set(drawn[:, 1]) == {3}
    assert dict(zip(*np.unique(drawn[:, 0], return_counts=True), strict=True)) == pytest.approx(
        {0: 1000, 2: 1000, 4: 1000}, abs=110
    )


@pytest.mark.parametrize("random", [SystemCoins(), SeededCoins(3)], ids=["system", "seeded"])
def test_coins_have_the_distributions_that_they_claim(random):
    from scipy.stats import kstest

    assert kstest(random.uniform(20_000), "uniform").pvalue > 1e-6
    normal = random.normal(20_001)
    assert normal.shape == (20_001,)
    assert kstest(normal, "norm").pvalue > 1e-6
    assert np.corrcoef(normal[:10_000], normal[10_000:20_000])[0, 1] == pytest.approx(0, abs=0.06)
    assert random.normal(0).shape == (0,)


def test_a_seed_repeats_its_coins_and_the_system_never_does():
    assert coins(5).normal(8).tolist() == coins(5).normal(8).tolist()
    assert coins(5).name == "seeded"
    assert coins(None).normal(8).tolist() != coins(None).normal(8).tolist()
    assert coins(None).name == "operating system"
