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

from relinkage.encoders.trained.statement import StatedInputs, derived, faults_of
from relinkage.privacy import HardenSettings, PrivacyStatement, recheck
from relinkage.privacy.spending import spend
from relinkage.records import json_text

SETTINGS = HardenSettings(epsilon=0.5, delta=1e-5, population=2000, batch=200, steps=20)


@cache
def stated(**choices) -> PrivacyStatement:
    settings = replace(SETTINGS, **choices)
    _, statement = spend(settings)
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
    recheck(replace(stated(), noise_multiplier=1.0, epsilon=10.0), SETTINGS)
    assert caplog.records == []


def test_what_the_starting_heads_had_spent_adds_up_in_words():
    statement = replace(stated(), earlier_epsilon=0.25, earlier_delta=1e-5)
    assert statement.sentence.endswith(
        "; for patients whose pairs also trained the heads it started from, (0.75, 2e-05)"
    )


def test_it_survives_the_way_through_a_manifest():
    for statement in (stated(), stated(mechanism="nominal"), replace(stated(), faults=("It is wrong.",))):
        told = json_text(statement)
        assert msgspec.json.decode(told, type=PrivacyStatement) == statement
        assert json.loads(told)["sentence"] == statement.sentence


def test_a_sound_statement_is_confirmed_by_both_accountants():
    found = recheck(stated(), SETTINGS)
    assert found.faults == ()
    assert found.epsilon <= 0.5
    assert found.epsilon < found.renyi < 2


LARGER = {"noise_multiplier": 26.4, "epsilon": 0.05}
"""More noise, and the ε that goes with it."""


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"epsilon": 0.4}, "The stated epsilon is 0.4, the accountant gives 0.5."),
        ({"noise_multiplier": 1.0}, "The stated epsilon is 0.5, the accountant gives 3."),
        ({"noise_multiplier": 3.5}, "The stated epsilon is 0.5, the accountant gives 0.50"),
        (LARGER, "The noise multiplier 26.4 is not what an epsilon of 0.5 asks for."),
        ({"epsilon": 0.7}, "The stated epsilon is 0.7, the settings ask for 0.5."),
        ({"steps": 10}, "The field steps does not follow"),
        ({"rate": 0.01}, "The field rate does not follow"),
        ({"divisor": 2000.0}, "The field divisor does not follow"),
        ({"population": 4000}, "The field population does not follow"),
        ({"clip": 0.1}, "The field clip does not follow"),
        ({"sensitivity": 0.5}, "The field sensitivity does not follow"),
        ({"reason": "It is so."}, "The field reason does not follow"),
        ({"neighbours": "equal data sets"}, "The field neighbours does not follow"),
        ({"speaks_of": "studies"}, "The field neighbours does not follow"),
        ({"sampling": "all, shuffled"}, "The field sampling does not follow"),
        ({"discretisation": 1.0}, "The field discretisation does not follow"),
        ({"delta": 1e-4}, "The field delta does not follow"),
        ({"temperature": 1.0}, "The field temperature does not follow"),
        ({"unit": "pair"}, "The field unit does not follow"),
        ({"pairs_a_patient": 3}, "The field pairs_a_patient does not follow"),
        ({"mechanism": "grouped"}, "The field mechanism does not follow"),
        ({"kind": "nominal"}, "The field kind does not follow"),
        (
            {"pair_epsilon": 0.001},
            "An epsilon of a single pair is stated where pairs are sampled, and",
        ),
        (
            {"earlier_epsilon": 1.0},
            "What the starting heads had spent has an epsilon and a delta, or",
        ),
        ({"noise": "seeded"}, "The noise came from a seed, so nothing holds for whoever knows it."),
        ({"faults": ("Somebody found one.",)}, "Somebody found one."),
    ],
)
def test_a_statement_that_does_not_follow_from_its_settings_is_found_out(wrong, fault):
    assert any(found.startswith(fault) for found in recheck(replace(stated(), **wrong), SETTINGS).faults)


def test_every_field_is_compared_or_computed_again_or_said_to_be_beyond_checking():
    """No field can be edited alone, but for those that the trainer alone can know and words made anew."""
    beyond = {"noise", "inputs", "heads", "accountant", "earlier_epsilon", "earlier_delta"}
    made_anew = {"seed_policy", "not_checkable", "sentence", "faults"}
    computed = {"epsilon", "noise_multiplier", "pair_epsilon"}
    compared = set(derived(SETTINGS, "operating system"))
    fields = set(PrivacyStatement.__struct_fields__)
    assert compared | computed | beyond | made_anew | {"speaks_of"} == fields
    assert len(stated().not_checkable) == 3


def test_a_nominal_mechanism_that_says_proven_is_found_out():
    settings = replace(SETTINGS, mechanism="nominal")
    wrong = replace(stated(mechanism="nominal"), kind="proven")
    assert faults_of(wrong, settings) == ["The field kind does not follow from the settings."]


@pytest.mark.slow
def test_an_invented_epsilon_of_a_single_pair_is_found_out():
    settings = replace(SETTINGS, unit="pair", cap=2, batch=2000, steps=2, epsilon=0.1)
    _, statement = spend(settings)
    fault = "The stated epsilon of a single pair is 0.001, the accountant gives 0.0"
    assert any(
        found.startswith(fault) for found in recheck(replace(statement, pair_epsilon=0.001), settings).faults
    )


def test_delta_is_warned_about_above_a_tenth_of_one_over_the_population():
    for delta, warned in ((5e-5, False), (5.1e-5, True)):
        settings = replace(SETTINGS, delta=delta)
        _, statement = spend(settings)
        found = recheck(statement, settings)
        assert found.faults == ()
        assert (len(found.cautions) == 1) is warned


def test_a_statement_with_a_fault_says_so_and_nothing_else():
    wrong = replace(stated(), faults=("It speaks of other heads than these.",))
    assert wrong.kind == "refuted"
    assert wrong.sentence == (
        "the statement of these heads does not hold: It speaks of other heads than these."
    )


def test_where_patients_are_not_known_the_statement_is_for_studies():
    _, statement = spend(SETTINGS, patients_known=False)
    assert statement.speaks_of == "studies"
    assert statement.sentence.startswith(
        "(0.5, 1e-05)-differential privacy for studies, proven; add or remove one study with all its pairs"
    )
    assert statement.sampling == "Poisson sampling of studies"
    assert "patients" not in statement.sentence.replace("one patient", "")
    assert recheck(statement, SETTINGS).faults == ()


def test_what_came_from_elsewhere_is_an_assumption_of_the_sentence():
    digest = "sha256:" + 64 * "a"
    for inputs, words in (
        (StatedInputs(public="sha256:b"), "the public set"),
        (StatedInputs(start=digest, public="sha256:b"), "the starting heads and the public set"),
        (
            StatedInputs(start=digest, public="sha256:b", anchors=digest),
            "the starting heads, the public set and the anchors",
        ),
    ):
        statement = replace(stated(), inputs=inputs)
        assert statement.sentence.endswith(f"; given that none of these patients is in {words}")
        assert statement.not_checkable[-1] == f"that none of these patients is in {words}"
    assert "given that" not in stated().sentence


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
    found = recheck(statement, replace(SETTINGS, unit="pair", cap=2, batch=2000, steps=2, epsilon=0.1))
    assert found.faults == ()
    assert found.renyi is None


def test_a_single_release_of_all_units():
    statement = stated(mechanism="one-shot")
    assert (statement.rate, statement.steps, statement.clip) == (1.0, 1, 1.0)
    assert statement.sampling == "all units once"
    assert recheck(statement, replace(SETTINGS, mechanism="one-shot")).faults == ()


def test_without_an_epsilon_there_is_no_noise_and_no_statement():
    assert spend(replace(SETTINGS, epsilon=None)) == (0.0, None)


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
        {"clip": 0},
        {"clip": -1},
        {"unit": "hospital"},
        {"accountant": "trust me 1.0"},
        {"heads": "sha256:aa"},
        {"earlier_epsilon": -1},
        {"kind": "nominal", "reason": "This is a guarantee."},
    ],
)
def test_statements_with_values_that_cannot_be(wrong):
    told = json.dumps({**json.loads(json_text(stated())), **wrong})
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(told, type=PrivacyStatement)


def test_next_to_no_noise_has_no_epsilon_and_is_found_at_once():
    found = recheck(replace(stated(), noise_multiplier=1e-3, rate=1.0, steps=10**6), SETTINGS)
    assert found.epsilon is None
    assert found.faults[-1] == "The stated epsilon is 0.5, the accountant gives inf."
    json_text(found)
