"""Choices that cannot be are refused in one sentence."""

import pytest

from relinkage.errors import InputError
from relinkage.privacy import CanarySettings, HardenSettings


def refusal(**choices):
    with pytest.raises(InputError) as error:
        HardenSettings(**{"epsilon": 0.34, "delta": 6e-6, **choices})
    return str(error.value)


@pytest.mark.parametrize(
    ("choice", "value", "said"),
    [
        (
            "mechanism",
            "hope",
            "mechanism hope is not a valid mechanism; give label-anchored,",
        ),
        ("unit", "hospital", "unit hospital is not a valid unit; give patient or pair."),
        ("cap", 0, "cap 0 is not a valid number of pairs; give a whole number from 1 to 1000."),
        ("population", 0, "population 0 is not a valid number of patients; give a whole number from 1 to"),
        ("batch", 0, "batch 0 is not a valid number of units; give a whole number from 1 up."),
        ("steps", 0, "steps 0 is not a valid number of steps; give a whole number from 1 to 1000000."),
        ("clip", 0.0, "clip 0 is not a valid norm; give a number above 0."),
        ("clip", float("inf"), "clip inf is not a valid norm; give a number above 0."),
        ("lr", float("nan"), "lr nan is not a valid learning rate; give a number above 0."),
        ("temperature", 0, "temperature 0 is not a valid temperature; give a number from 0.0001 to 10000."),
        ("group", 1, "group 1 is not a valid number of units; give a whole number from 2 up."),
        ("bank", 0, "bank 0 is not a valid number of pairs; give a whole number from 1 up."),
        ("outside", "burn", "outside burn is not a valid outside; give keep or drop."),
        ("span", -1, "span -1 is not a valid number of directions; give a whole number from 0 up."),
        ("head", "deep", "head deep is not a valid head; give linear or mlp."),
        ("dimension", 0, "dimension 0 is not a valid dimension; give a whole number from 1 to 65536."),
        ("hidden", 0, "hidden 0 is not a valid hidden; give a whole number from 1 to 65536."),
        ("seed_noise", -1, "seed_noise -1 is not a valid seed noise; give a whole number from 0 to"),
        ("epsilon", 0, "epsilon 0 is not a valid epsilon; give a number above 0."),
        ("epsilon", -1.0, "epsilon -1 is not a valid epsilon; give a number above 0."),
        ("epsilon", float("inf"), "epsilon inf is not a valid epsilon; give a number above 0."),
        ("epsilon", float("nan"), "epsilon nan is not a valid epsilon; give a number above 0."),
        ("delta", 0, "delta 0 is not a valid delta; give a number above 0 and below 1."),
        ("delta", float("nan"), "delta nan is not a valid delta; give a number above 0 and below 1."),
    ],
)
def test_choices_that_are_none(choice, value, said):
    assert refusal(**{choice: value}).startswith(said)


@pytest.mark.parametrize("value", [1 / 20_000, 1e-3])
def test_delta_is_below_one_over_the_population(value):
    assert refusal(delta=value).startswith(
        f"delta {value:g} is too large; give one below 1 / 20000, the stated population, for at that"
    )


def test_an_attack_guesses_about_a_tenth_of_its_canaries_or_an_even_number_of_them():
    assert [CanarySettings(canaries=m).guessed for m in (2, 39, 1000)] == [2, 2, 100]
    assert CanarySettings(canaries=10, guesses=4).guessed == 4
    for said, choices in (
        (
            "positive_control goes with canaries; give a number of them, such as 1000.",
            {"positive_control": True},
        ),
        ("canaries 1 is not a valid number of canaries; give a whole number from 2 up.", {"canaries": 1}),
        (
            "guesses 0 is not a valid number of guesses; give a whole number from 2 up.",
            {"canaries": 10, "guesses": 0},
        ),
        ("guesses goes with canaries; give a number of them, such as 1000.", {"guesses": 2}),
        (
            "3 guesses about 10 canaries cannot be; give an even number of them.",
            {"canaries": 10, "guesses": 3},
        ),
        ("6 guesses about 4 canaries cannot be; give an even number of them.", {"canaries": 4, "guesses": 6}),
    ):
        with pytest.raises(InputError) as error:
            CanarySettings(**choices)
        assert str(error.value) == said


def test_a_batch_is_not_larger_than_the_stated_population():
    assert refusal(batch=1001, population=1000) == (
        "batch 1001 is larger than the stated population of 1000; give a smaller batch or a larger "
        "population."
    )
    assert HardenSettings(epsilon=1, delta=1e-6, batch=3000, population=1000, unit="pair").rate == 1.0
    assert refusal(batch=2000, population=1000, unit="patient", cap=3).startswith("batch 2000 is larger than")


def test_sampled_pairs_take_no_delta_that_cannot_be_accounted_for():
    assert refusal(unit="pair", delta=1e-13).startswith("delta 1e-13 is below 1e-12, the least that can be")
    assert HardenSettings(epsilon=1, delta=1e-13).unit == "patient"
    assert HardenSettings(epsilon=1, delta=1e-12, unit="pair").delta == 1e-12


def test_a_single_release_takes_no_batches():
    assert HardenSettings(epsilon=1, delta=1e-4, mechanism="one-shot", population=100).rate == 1


def test_logit_at_a_temperature_where_its_bound_is_no_ordinary_number():
    assert refusal(mechanism="logit", temperature=0.04).startswith("The bound of logit grows as e^(2 / temp")


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
