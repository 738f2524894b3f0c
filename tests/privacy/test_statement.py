"""The privacy statement: data that another accountant can check, in words that promise no more than holds."""

import json
import math
from functools import cache

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace
from scipy.optimize import brentq
from scipy.stats import norm

from relinkage.privacy import HardenSettings, PrivacyStatement, recheck
from relinkage.privacy.mechanisms import sensitivity_of
from relinkage.privacy.statement import spend
from relinkage.records import json_text

SETTINGS = HardenSettings(epsilon=0.5, delta=1e-5, population=2000, batch=200, steps=20)


@cache
def stated(**choices) -> PrivacyStatement:
    settings = replace(SETTINGS, **choices)
    _, statement = spend(
        settings,
        sensitivity_of(settings.mechanism, settings.tau, settings.population * settings.units_a_patient),
    )
    assert statement is not None
    return statement


def test_it_states_all_that_an_accountant_needs():
    statement = stated()
    assert statement.kind == "proven"
    assert 0.49 < statement.epsilon <= 0.5
    assert (statement.rate, statement.steps, statement.divisor) == (0.1, 20, 200)
    assert (statement.sensitivity, statement.clip, statement.delta) == (1.0, 0.5, 1e-5)
    assert statement.sampling == "Poisson sampling of patients"
    assert statement.neighbours == "add or remove one patient with all pairs"
    assert statement.accountant.startswith("privacy loss distributions, dp-accounting ")
    assert statement.discretisation == 1e-4
    assert statement.noise == "operating system"


def test_another_accountant_finds_the_same():
    statement = stated()
    import dp_accounting
    from dp_accounting.pld import PLDAccountant

    step = dp_accounting.PoissonSampledDpEvent(
        statement.rate, dp_accounting.GaussianDpEvent(statement.noise_multiplier)
    )
    accountant = PLDAccountant().compose(step, statement.steps)
    assert accountant.get_epsilon(statement.delta) == pytest.approx(statement.epsilon)


def losses_by_fft(statement, epsilon, width=2e-4, reach=6.0):
    """δ at ε with no accountant: both neighbours' loss laws on a grid, composed by Fourier transform."""
    x = np.linspace(-12 * statement.noise_multiplier, 12 * statement.noise_multiplier + 1, 400_001)
    near = norm.pdf(x, 0, statement.noise_multiplier)
    far = (1 - statement.rate) * near + statement.rate * norm.pdf(x, 1, statement.noise_multiplier)
    grid = np.arange(-reach, reach, width)
    deltas = []
    for top, bottom in ((far, near), (near, far)):
        loss = np.log(top) - np.log(bottom)
        law = np.bincount(
            np.clip(np.rint((loss + reach) / width), 0, len(grid) - 1).astype(int), top, len(grid)
        ) * (x[1] - x[0])
        # The grid begins at −reach; moved so that a loss of 0 comes first, it adds up around a circle.
        whole = np.fft.irfft(np.fft.rfft(np.roll(law, len(grid) // 2)) ** statement.steps, len(grid))
        whole = np.roll(whole, len(grid) // 2)
        deltas.append(np.sum(whole * np.clip(1 - np.exp(epsilon - grid), 0, None)))
    return max(deltas)


def test_numbers_from_the_manifest_alone_give_the_same_epsilon_to_one_per_cent_without_an_accountant():
    statement = msgspec.json.decode(json_text(stated()), type=PrivacyStatement)
    found = brentq(lambda epsilon: math.log(losses_by_fft(statement, epsilon) / statement.delta), 0.1, 2)
    assert found == pytest.approx(statement.epsilon, rel=0.01)


def test_the_renyi_accountant_keeps_its_warnings_to_itself(caplog):
    """At this noise some of its orders do not converge and are left out."""
    recheck(replace(stated(), noise_multiplier=1.0, epsilon=10.0))
    assert caplog.records == []


def test_what_the_starting_heads_had_spent_adds_up_in_words():
    statement = replace(stated(), earlier_epsilon=0.25, earlier_delta=1e-5)
    assert statement.sentence.endswith(
        "; for patients whose pairs also trained the heads it started from, (0.75, 2e-05)"
    )


def test_it_survives_the_way_through_a_manifest():
    for statement in (stated(), stated(mechanism="nominal"), replace(stated(), pair_epsilon=0.1)):
        told = json_text(statement)
        assert msgspec.json.decode(told, type=PrivacyStatement) == statement
        assert json.loads(told)["sentence"] == statement.sentence


def test_a_sound_statement_is_confirmed_by_both_accountants():
    found = recheck(stated())
    assert found.faults == ()
    assert found.epsilon <= 0.5
    assert found.epsilon < found.renyi < 2


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"epsilon": 0.4}, "The stated epsilon is 0.4, the accountant gives 0.5."),
        ({"steps": 40}, "The stated epsilon is 0.5, the accountant gives 0.7"),
        ({"rate": 0.2}, "The stated epsilon is 0.5, the accountant gives 1."),
        ({"noise_multiplier": 1.0}, "The stated epsilon is 0.5, the accountant gives 3."),
        ({"noise_multiplier": 3.5}, "The stated epsilon is 0.5, the accountant gives 0.50"),
        ({"unit": "pair"}, "Pairs are sampled and none are capped, so nothing holds for a patient."),
        ({"mechanism": "one-shot"}, "The mechanism one-shot looks at all units once, which is not what is"),
        ({"mechanism": "grouped"}, "The stated sensitivity is 1 norms, grouped has 2."),
        ({"mechanism": "nominal"}, "Nothing is proven for the mechanism nominal."),
        ({"noise": "seeded"}, "The noise came from a seed, so nothing holds for whoever knows it."),
    ],
)
def test_a_statement_that_claims_too_much_is_found_out(wrong, fault):
    assert any(found.startswith(fault) for found in recheck(replace(stated(), **wrong)).faults)


def test_a_proven_statement_in_words():
    sentence = stated().sentence
    assert sentence.startswith("(0.5, 1e-05)-differential privacy, proven; add or remove one patient")
    assert "label-anchored, Poisson sampling of patients, 20 steps" in sentence


def test_a_nominal_epsilon_is_called_nominal_and_never_a_guarantee():
    statement = stated(mechanism="nominal")
    assert statement.kind == "nominal"
    assert statement.sentence.startswith(
        "nominal ε = 0.5 at δ = 1e-05 (nominal); no differential privacy is proven."
    )
    for told in (statement.sentence, json_text(statement)):
        assert "guarantee" not in told.lower()
        assert "-differential privacy, proven" not in told
    with pytest.raises(ValueError, match="no guarantee"):
        replace(statement, reason="This is a guarantee.")


def test_seeded_noise_voids_a_statement_and_the_seed_is_not_told():
    statement = stated(seed_noise=1234)
    assert statement.kind == "void"
    assert statement.sentence.startswith("void: sampling and noise come from a seed")
    assert "1234" not in json_text(statement)
    assert "proven" not in statement.sentence


@pytest.mark.slow
def test_sampled_pairs_are_stated_for_patients_and_beside_it_for_a_single_pair():
    statement = stated(unit="pair", cap=2, batch=2000, steps=2, epsilon=0.1)
    assert statement.sampling == "Poisson sampling of pairs"
    assert statement.rate == 2000 / (2000 * 2)
    assert statement.pairs_a_patient == 2
    assert 0.098 < statement.epsilon <= 0.1
    assert statement.pair_epsilon < 0.06
    found = recheck(statement)
    assert found.faults == ()
    assert found.renyi is None


def test_a_single_release_of_all_units():
    statement = stated(mechanism="one-shot")
    assert (statement.rate, statement.steps, statement.clip) == (1.0, 1, 1.0)
    assert statement.sampling == "all units once"
    assert recheck(statement).faults == ()


def test_without_an_epsilon_there_is_no_noise_and_no_statement():
    assert spend(replace(SETTINGS, epsilon=None), sensitivity_of("label-anchored", 1.0, 1)) == (0.0, None)


def test_a_statement_reads_as_its_numbers_say_whatever_its_sentence_is():
    forged = {**json.loads(json_text(stated())), "sentence": "all is private", "seed_policy": "none"}
    assert msgspec.json.decode(json.dumps(forged), type=PrivacyStatement) == stated()


@pytest.mark.parametrize(
    "wrong",
    [
        {"epsilon": -1},
        {"rate": 2},
        {"rate": 0},
        {"noise": "a die"},
        {"delta": "small"},
        {"delta": 1},
        {"rate": None},
        {"steps": 0},
        {"steps": 10**7},
        {"steps": 10**30},
        {"noise_multiplier": -1.0},
        {"noise_multiplier": 1e300},
        {"pairs_a_patient": 10**9},
        {"population": 10**40},
        {"divisor": 0},
        {"temperature": 1e-300},
        {"discretisation": 1e9},
        {"earlier_epsilon": -1},
        {"kind": "nominal", "reason": "This is a guarantee."},
    ],
)
def test_statements_with_values_that_cannot_be(wrong):
    told = json.dumps({**json.loads(json_text(stated())), **wrong})
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(told, type=PrivacyStatement)


def test_next_to_no_noise_has_no_epsilon_and_is_found_at_once():
    found = recheck(replace(stated(), noise_multiplier=1e-3, rate=1.0, steps=10**6))
    assert found.epsilon is None
    assert found.faults[0] == "The stated epsilon is 0.5, the accountant gives inf."
    json_text(found)
