"""Choices that cannot be are refused in one sentence."""

import pytest

from relinkage.errors import InputError
from relinkage.privacy import HardenSettings


def refusal(**choices):
    with pytest.raises(InputError) as error:
        HardenSettings(**{"epsilon": 0.34, "delta": 6e-6, **choices})
    return str(error.value)


@pytest.mark.parametrize(
    ("option", "choice", "value"),
    [
        ("--mechanism", "mechanism", "hope"),
        ("--unit", "unit", "hospital"),
        ("--cap", "cap", 0),
        ("--batch", "batch", 0),
        ("--steps", "steps", 0),
        ("--clip", "clip", 0.0),
        ("--clip", "clip", float("inf")),
        ("--lr", "learning_rate", float("nan")),
        ("--temperature", "temperature", 0),
        ("--group", "group", 1),
        ("--bank", "bank", 0),
        ("--outside", "outside", "burn"),
        ("--head", "head", "deep"),
        ("--dimension", "dimension", 0),
        ("--hidden", "hidden", 0),
    ],
)
def test_choices_that_are_none(option, choice, value):
    assert refusal(**{choice: value}) == f"{option} {value} is out of range; see `relinkage harden --help`."


@pytest.mark.parametrize("value", [0, -1.0, float("inf"), float("nan")])
def test_epsilon_is_above_nothing(value):
    assert refusal(epsilon=value) == (
        f"--epsilon {value} is out of range; give a number above 0, such as 0.34."
    )


@pytest.mark.parametrize("value", [0, 1 / 20_000, 1e-3, float("nan")])
def test_delta_is_below_one_over_the_population(value):
    assert refusal(delta=value).startswith(
        f"--delta {value:g} is out of range; give one above 0 and below 1 / 20000"
    )


def test_a_batch_is_not_larger_than_the_stated_population():
    assert refusal(batch=1001, population=1000) == (
        "--batch 1001 is larger than the stated population of 1000; give a smaller batch or a larger "
        "--population."
    )
    assert HardenSettings(epsilon=1, delta=1e-6, batch=3000, population=1000, unit="pair").rate == 1.0


def test_the_sampling_probability_comes_from_public_numbers_alone():
    assert HardenSettings(epsilon=1, delta=1e-6, batch=512, population=4096).rate == 1 / 8
    assert (
        HardenSettings(epsilon=1, delta=1e-6, batch=512, population=4096, unit="pair", cap=4).rate == 1 / 32
    )
    assert HardenSettings(epsilon=1, delta=1e-6, mechanism="one-shot").rate == 1


def test_patients_lend_all_their_pairs_and_pairs_have_a_cap():
    patients = HardenSettings(epsilon=1, delta=1e-6)
    assert (patients.pairs_a_patient, patients.units_a_patient) == (None, 1)
    assert HardenSettings(epsilon=1, delta=1e-6, cap=4).units_a_patient == 1
    pairs = HardenSettings(epsilon=1, delta=1e-6, unit="pair")
    assert (pairs.pairs_a_patient, pairs.units_a_patient) == (3, 3)


def test_the_temperature_is_that_of_the_mechanism():
    assert HardenSettings(epsilon=1, delta=1e-6, mechanism="nominal").tau == 0.07
    assert HardenSettings(epsilon=1, delta=1e-6, mechanism="logit").tau == 1.0
    assert HardenSettings(epsilon=1, delta=1e-6, mechanism="logit", temperature=2.0).tau == 2.0
