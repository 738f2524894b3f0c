"""Scores are added up as a double loop adds them, and weights are chosen on held-out pairs alone."""

import numpy as np
import pytest
import shared_latent
from hypothesis import given
from hypothesis import strategies as st

from relinkage.attackers.cca import Cca
from relinkage.attackers.cosine import Cosine
from relinkage.attackers.cross_validation import folds
from relinkage.attackers.mixture import HeldOut, Mixture, Part, added, score_vectors, surely_better
from relinkage.attackers.procrustes import Procrustes

SHARES = st.lists(st.floats(0.01, 1), min_size=3, max_size=3)


@given(SHARES, st.integers(0, 20))
def test_a_mixture_scores_the_weighted_sum_of_its_parts(shares, seed):
    pairs = shared_latent.draw(60, np.full(4, 0.8), seed=seed)
    known = pairs.known(np.arange(40))
    fitted = [Cosine(), Procrustes().fit(known), Cca().fit(known)]
    spreads = [0.3, 2.0, 5.0]
    parts = tuple(Part("", *rest) for rest in zip(fitted, shares, spreads, strict=True))
    mixture = Mixture(parts, {})
    scores = [left @ right.T for left, right in (score_vectors(f, pairs.images, pairs.texts) for f in fitted)]
    expected = sum(share / spread * s for share, spread, s in zip(shares, spreads, scores, strict=True))
    left, right = mixture.transform(pairs.images, pairs.texts)
    np.testing.assert_allclose(left @ right.T, expected, atol=1e-9)
    for side in (left, right):  # so that the cosine puts pairs in the order of the sum
        lengths = np.linalg.norm(side, axis=1)
        np.testing.assert_allclose(lengths, lengths[0])


def test_a_mixture_of_one_is_that_one_bit_for_bit():
    pairs = shared_latent.draw(30, np.full(4, 0.8))
    left, right = Mixture((Part("cosine", Cosine(), 1.0, 0.2),), {}).transform(pairs.images, pairs.texts)
    assert left is pairs.images
    assert right is pairs.texts


def test_held_out_scores_are_those_of_an_attacker_who_never_saw_the_patients():
    known = shared_latent.draw(60, np.full(4, 0.8), studies=3).known(np.arange(60))
    seen = []

    def fit(some):
        seen.append(some)
        return Procrustes().fit(some)

    held_out = HeldOut.of(known, fit, 3, seed=2)
    assert len(seen) == len(held_out.scores) == 3
    for (_, held), some, scores in zip(folds(known.patient, 2), seen, held_out.scores, strict=False):
        assert not set(some.patient) & set(known.patient[held])
        asked = known.take(held)
        expected = shared_latent.cosines(*Procrustes().fit(some).transform(asked.images, asked.texts))
        np.testing.assert_allclose(scores, expected, atol=1e-12)


def test_scores_of_held_out_pairs_add_up_and_their_spread_forgets_levels():
    random = np.random.default_rng(0)
    patient = (np.arange(20),)
    one, two = (HeldOut((random.normal(size=(20, 20)),), patient) for _ in range(2))
    np.testing.assert_allclose(added((one, two), (2.0, 3.0)).scores[0], 2 * one.scores[0] + 3 * two.scores[0])
    moved = one.scores[0] + 100 * random.normal(size=20) + 50 * random.normal(size=(20, 1))
    assert HeldOut((moved,), patient).spread == pytest.approx(one.spread)
    assert HeldOut((np.ones((20, 20)),), patient).spread == 1


def test_better_is_surely_better_only_beyond_the_error_of_patients():
    new, old = np.zeros(40), np.tile([1.0, -0.9], 20)
    assert not surely_better(new, old, (np.arange(40),))
    assert surely_better(new, old + 1, (np.arange(40),))
    assert not surely_better(old, old, (np.arange(40),))
    # The same pairs, but those that gain are one patient and those that lose another.
    gains = np.repeat([1.0, -0.5], 20)
    assert surely_better(new, gains, (np.arange(40),))
    assert not surely_better(new, gains, (np.repeat([0, 1], 20),))
