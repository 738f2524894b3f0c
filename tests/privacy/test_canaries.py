"""Guessing about canaries: the formula of the bound, and what an audit by them finds and does not find."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from privacy.planted_pairs import planted
from relinkage.errors import InputError
from relinkage.privacy import CanarySettings, HardenSettings, Public
from relinkage.privacy.canaries import audit_by_canaries, epsilon_at_least, power

PROVEN = ("label-anchored", "public-negatives", "grouped", "batch-clip", "logit", "one-shot")


def settings(mechanism, **choices):
    """Everybody at every step, so that one step tells as much as it can; as few patients as there are."""
    usual = {"epsilon": 0.34, "delta": 1e-5, "population": 9, "batch": 9, "steps": 1, "dimension": 4}
    return HardenSettings(
        **{**usual, "mechanism": mechanism, "group": 9, "bank": 20, "seed_noise": 1, **choices}
    )


def audited(mechanism, *, canaries=1000, divided_by=1.0, seed=0, **choices):
    alone = mechanism in ("label-anchored", "public-negatives", "one-shot")
    width = {"images": 120, "texts": 120} if alone else {"images": 20, "texts": 20}
    public = Public(embeddings=planted(100, 1, seed=1, **width)) if alone else None
    return audit_by_canaries(
        planted(12, 1, **width),
        "train",
        settings(mechanism, **choices),
        public,
        CanarySettings(canaries=canaries, seed=seed),
        noise_divided_by=divided_by,
    )


def probability_by_definition(epsilon, m, r, v, delta):
    """Theorem 5.2 of 2305.08846, summed term by term."""
    q = 1 / (1 + np.exp(-epsilon))
    chance = [binom.pmf(k, r, q) for k in range(r + 1)]
    beta = sum(chance[v:])
    alpha = max((sum(chance[v - i : v]) / i for i in range(1, v + 1)), default=0.0)
    return beta + 2 * m * delta * alpha


def test_the_bound_of_the_papers_example():
    assert epsilon_at_least(1000, 100, 75, 1e-4) == pytest.approx(0.673, abs=5e-4)


@pytest.mark.parametrize(("canaries", "accuracy"), [(1000, 0.611), (10_000, 0.592)])
def test_how_often_guesses_must_be_right_to_refute_an_epsilon_of_a_third(canaries, accuracy):
    """All canaries are guessed, δ next to nothing; a thousandth more is enough, a thousandth less is not."""
    more, less = round((accuracy + 0.001) * canaries), round((accuracy - 0.001) * canaries)
    assert epsilon_at_least(canaries, canaries, more, 1e-12) > 0.34
    assert epsilon_at_least(canaries, canaries, less, 1e-12) < 0.34


@given(
    r=st.integers(2, 80),
    share=st.floats(0.5, 1),
    delta=st.sampled_from([0.0, 1e-6, 1e-4]),
    extra=st.integers(0, 500),
)
def test_the_bound_is_where_the_definition_says(r, share, delta, extra):
    v, m = round(r * share), r + extra
    found = epsilon_at_least(m, r, v, delta)
    if found == 0:
        assert probability_by_definition(0.0, m, r, v, delta) >= 0.05
    else:
        assert probability_by_definition(found, m, r, v, delta) == pytest.approx(0.05, abs=1e-4)
        assert epsilon_at_least(m, r, min(v + 1, r), delta) >= found


@pytest.mark.parametrize(("m", "r", "stated"), [(1000, 100, 0.34), (100, 100, 1.0), (200, 40, 0.1)])
def test_the_power_is_what_drawn_audits_find(m, r, stated):
    """Guesses of the best of attacks on a training of the named ε, drawn: four of five audits refute."""
    needed, refutable = power(m, r, 1e-6, stated)
    assert epsilon_at_least(m, r, needed, 1e-6) > stated >= epsilon_at_least(m, r, needed - 1, 1e-6)
    rng = np.random.default_rng(0)
    right = rng.random((20_000, r)) < 1 / (1 + np.exp(-refutable))
    assert (right.sum(1) >= needed).mean() == pytest.approx(0.8, abs=0.012)


def test_the_power_that_a_review_found_for_a_third():
    needed, refutable = power(1000, 100, 6e-6, 0.34)
    assert needed == 68
    assert refutable == pytest.approx(0.92, abs=0.02)


def test_four_canaries_refute_nothing():
    assert power(4, 2, 1e-5, 0.34) is None


def test_no_right_guesses_say_nothing():
    assert epsilon_at_least(1000, 100, 0, 1e-6) == 0
    assert epsilon_at_least(1000, 100, 50, 1e-6) == 0


@pytest.mark.slow
@pytest.mark.parametrize("mechanism", PROVEN)
def test_a_thousand_canaries_do_not_contradict_a_proven_mechanism_and_do_where_its_noise_is_a_tenth(
    mechanism,
):
    right, weak = audited(mechanism), audited(mechanism, divided_by=10.0)
    assert right.canaries == weak.canaries == 1000
    assert right.lower_bound < right.stated <= 0.34
    assert not right.contradicts
    assert weak.lower_bound > weak.stated
    assert weak.contradicts


@pytest.mark.slow
def test_a_thousand_canaries_contradict_a_nominal_epsilon_with_all_of_its_noise():
    found = audited("nominal")
    assert found.lower_bound > 2 * found.stated
    assert found.contradicts


def test_guesses_are_mostly_right_where_there_is_next_to_no_noise():
    for mechanism in (*PROVEN, "nominal"):
        found = audited(mechanism, canaries=40, divided_by=1000.0)
        assert found.correct == found.guesses == 4


@pytest.mark.slow
def test_several_sampled_steps_are_audited_too():
    found = audited("grouped", canaries=20, steps=3, batch=5)
    assert not found.contradicts
    assert found.canaries == 20


def test_another_noise_multiplier_is_what_is_audited():
    chosen, attack = settings("label-anchored"), CanarySettings(canaries=100, guesses=50)
    noisy = audit_by_canaries(planted(12, 1), "train", chosen, attack=attack, noise_multiplier=1e6)
    assert noisy.correct < 40
    clear = audit_by_canaries(planted(12, 1), "train", chosen, attack=attack, noise_multiplier=1e-3)
    assert clear.correct >= 40


def test_audits_that_cannot_be():
    emb = planted(12, 1)
    with pytest.raises(InputError, match="Canaries check an epsilon, and this training has none"):
        audit_by_canaries(emb, "train", settings("grouped", epsilon=None))
    with pytest.raises(InputError, match="There are no canaries to guess about"):
        audit_by_canaries(emb, "train", settings("grouped"), attack=CanarySettings())
    with pytest.raises(InputError, match="go with linear heads; give head linear"):
        audit_by_canaries(
            emb, "train", settings("grouped", head="mlp", hidden=4), attack=CanarySettings(canaries=10)
        )
