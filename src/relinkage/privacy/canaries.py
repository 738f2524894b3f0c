"""Checking a stated ε by attack: canaries are trained on with probability one half, and guessed about.

After Steinke, Nasr and Jagielski (2305.08846). The guesser sees what a statement covers: the noisy sum of
every step.
"""

from dataclasses import replace
from typing import Annotated

import numpy as np
from msgspec import Meta
from scipy.stats import beta, binom

from relinkage.embeddings import Embeddings
from relinkage.encoders.trained.hardening import HardenSettings
from relinkage.errors import InputError
from relinkage.options import Count, Seed, Share
from relinkage.privacy.canary_scores import scores_apart, scores_once, scores_together
from relinkage.privacy.noise import coins
from relinkage.privacy.prepare import check, prepare
from relinkage.privacy.public import Public
from relinkage.privacy.settings import CanarySettings
from relinkage.privacy.spending import spend
from relinkage.records import Record

CONFIDENCE = 0.95
"""Of the lower bounds that are stated."""
POWER = 0.8
"""The share of audits that would find an ε which is called refutable."""


class CanaryAudit(Record, frozen=True):
    """What guessing about canaries says of an ε.

    Attributes:
        canaries: m, each trained on with probability one half.
        guesses: r, fixed beforehand: the most and the least likely canaries are guessed.
        correct: v, guesses that were right.
        delta: δ of the statement.
        lower_bound: ε is at least this, with the stated confidence; 0 where nothing can be said.
        confidence: Of the lower bound.
        stated: ε of the statement.
        needed: Right guesses that would have refuted the statement; null where no number of them would.
        refutable: The true ε from which on the best of attacks would have refuted the statement in four of
            five runs; null where none would.
        seed: Seed of the canaries.
    """

    canaries: Count
    guesses: Count
    correct: Annotated[int, Meta(ge=0)]
    delta: float
    lower_bound: float
    confidence: Share
    stated: float
    needed: Count | None
    refutable: float | None
    seed: Seed

    @property
    def contradicts(self) -> bool:
        """Whether the stated ε cannot be true."""
        return self.lower_bound > self.stated


def epsilon_at_least(
    canaries: int, guesses: int, correct: int, delta: float, confidence: float = CONFIDENCE
) -> float:
    """Give the ε that so many right guesses prove a training to exceed.

    It is the largest ε at which as many would have a probability below 1 − confidence (2305.08846, theorem
    5.2): q = 1/(1 + e^{−ε}), p = P[Bin(r, q) ≥ v] + 2mδ·max_i (1/i)·P[v > Bin(r, q) ≥ v − i].

    Args:
        canaries: m.
        guesses: r, at most m.
        correct: v, at most r.
        delta: δ.
        confidence: of the bound.
    """

    def probability(epsilon: float) -> float:
        law = binom(guesses, 1 / (1 + np.exp(-epsilon)))
        tail = law.sf(correct - 1)
        if not correct:
            return float(tail)
        i = np.arange(1, correct + 1)
        slack = (law.sf(correct - i - 1) - tail) / i
        return float(tail + 2 * canaries * delta * slack.max())

    low, high = 0.0, 50.0
    if probability(low) >= 1 - confidence:
        return 0.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if probability(middle) < 1 - confidence else (low, middle)
    return low


def power(canaries: int, guesses: int, delta: float, stated: float) -> tuple[int, float] | None:
    """Give what an audit could have refuted at best, whatever its guesses were.

    Of a training of true ε, each guess of the best of attacks is right with probability 1/(1 + e^{−ε}).

    Args:
        canaries: m.
        guesses: r.
        delta: δ.
        stated: the ε that is tested.

    Returns:
        The fewest right guesses that refute the stated ε, and the smallest true ε at which the best of
        attacks has as many in four of five audits; None where r right guesses are not enough.
    """
    if epsilon_at_least(canaries, guesses, guesses, delta) <= stated:
        return None
    low, high = 0, guesses
    while high - low > 1:
        middle = (low + high) // 2
        refuted = epsilon_at_least(canaries, guesses, middle, delta) > stated
        low, high = (low, middle) if refuted else (middle, high)
    # P[Bin(r, q) ≥ v] is the distribution of Beta(v, r − v + 1) at q.
    right = float(beta.ppf(POWER, high, guesses - high + 1))
    return high, float(np.log(right / (1 - right)))


def audit_by_canaries(
    embeddings: Embeddings,
    train: str,
    settings: HardenSettings,
    public: Public | None = None,
    attack: CanarySettings | None = None,
    *,
    noise_multiplier: float | None = None,
    noise_divided_by: float = 1.0,
    stated: float | None = None,
) -> CanaryAudit:
    """Train with canaries, and guess from the noisy sums which were in.

    Where a unit's loss depends on the unit alone, all canaries are further patients of one training. Where a
    loss couples a batch, one training can show no more than a batch's bound for all canaries together; there
    each canary has a training of its own, as long as the others, of itself and of patients who were chosen
    to tell of it. Of `one-shot`, the noisy moments are what is looked at. The heads are thrown away: canaries
    have no place in heads that are used.

    Args:
        embeddings: cached features.
        train: the split to train on.
        settings: the choices of the training.
        public: what may be looked at freely.
        attack: how many canaries there are and how many are guessed, half of these for "in", half for "out".
        noise_multiplier: σ of the statement that is checked; calibrated again where not given.
        stated: ε that is tested; what the settings come to where not given.
        noise_divided_by: weakens the noise without telling the accountant, to see that the audit finds it.

    Raises:
        InputError: a number is out of range, or the training cannot be audited in this way.
    """
    attack = attack or CanarySettings(canaries=1000)
    canaries, half = attack.canaries, attack.guessed // 2
    if settings.epsilon is None:
        raise InputError("Canaries check an epsilon, and this training has none; give --epsilon.")
    if canaries is None:
        raise InputError("There are no canaries to guess about; give a number of them, such as 1000.")
    rng = np.random.default_rng(attack.seed)
    inside = rng.random(canaries) < 0.5
    secret = coins(settings.seed_noise)
    if settings.mechanism == "one-shot":
        check(embeddings, settings, public or Public())
        sigma, statement = spend(settings)
        widths = embeddings.image_features.shape[1], embeddings.text_features.shape[1]
        scores = scores_once(widths, (noise_multiplier or sigma) / noise_divided_by, inside, rng, secret)
    else:
        prepared = prepare(embeddings, train, settings, public or Public())
        statement, sensitivity = prepared.statement, prepared.mechanism.sensitivity
        assert statement is not None
        sigma = noise_multiplier or statement.noise_multiplier
        plan = replace(prepared.plan, noise=sigma * sensitivity.multiple / noise_divided_by)
        alone = settings.mechanism in ("label-anchored", "public-negatives")
        scores = (scores_together if alone else scores_apart)(prepared, plan, inside, rng, secret)
    assert statement is not None
    order = np.argsort(scores, kind="stable")
    correct = int(inside[order[-half:]].sum() + (~inside[order[:half]]).sum())
    stated = stated or statement.epsilon
    best = power(canaries, 2 * half, settings.delta, stated)
    return CanaryAudit(
        canaries=canaries,
        guesses=2 * half,
        correct=correct,
        delta=settings.delta,
        lower_bound=epsilon_at_least(canaries, 2 * half, correct, settings.delta),
        confidence=CONFIDENCE,
        stated=stated,
        needed=None if best is None else best[0],
        refutable=None if best is None else best[1],
        seed=attack.seed,
    )
