"""Thirty pairs are enough to turn one side onto the other where the gallery itself teaches the rest."""

from dataclasses import replace

import numpy as np
import pytest
import shared_latent

from relinkage.attackers import load_attacker
from relinkage.attackers.cross_validation import unit
from relinkage.attackers.procrustes import Procrustes
from relinkage.attackers.seeds import Seeds, surest

ROWS = 1000


@pytest.fixture(scope="module")
def rotated():
    pairs = shared_latent.draw(ROWS, np.linspace(0.9, 0.6, 48))
    return replace(pairs, texts=pairs.texts @ shared_latent.rotation(48))


def test_thirty_seeds_reach_what_many_known_pairs_reach(rotated):
    known = np.arange(30)
    few = shared_latent.found(Procrustes(), rotated, known)
    bootstrapped = shared_latent.found(Seeds(), rotated, known)
    many = shared_latent.found(Procrustes(), rotated, np.arange(400))
    assert few < 0.5 * many
    assert bootstrapped > 0.95 * many


def test_with_the_cosine_it_still_does(rotated):
    known = np.arange(30)
    fitted = load_attacker("seeds").fit(rotated.known(known))
    assert load_attacker("seeds").pools == "full"
    alone = shared_latent.found(Seeds(), rotated, known)
    assert fitted.settings["seeds"] == 30
    assert shared_latent.found(load_attacker("seeds"), rotated, known) > 0.9 * alone


def test_the_surest_are_mutual_neighbours_in_the_order_of_their_margin(monkeypatch):
    monkeypatch.setattr("relinkage.attackers.seeds._BLOCK", 7)
    random = np.random.default_rng(0)
    left, right = unit(random.normal(size=(40, 4))), unit(random.normal(size=(30, 4)))
    scores = left @ right.T
    expected = []
    for i in range(40):
        order = np.argsort(-scores[i])
        if scores[:, order[0]].argmax() == i:
            expected.append((scores[i, order[0]] - scores[i, order[1]], i, order[0]))
    expected.sort(reverse=True)
    rows, columns = surest(left, right, 1.0)
    assert list(zip(rows, columns, strict=True)) == [(i, j) for _, i, j in expected]
    half = surest(left, right, 0.5)
    assert len(half[0]) == int(np.ceil(len(expected) / 2))
    np.testing.assert_array_equal(half[0], rows[: len(half[0])])


def test_of_many_known_pairs_a_hundred_are_used(rotated):
    assert Seeds().fit(rotated.known(np.arange(400))).settings["seeds"] == 100
