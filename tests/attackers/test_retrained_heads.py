"""Heads trained anew on known pairs find mates where cosine does not."""

import numpy as np
import pytest
import shared_latent
import torch

from relinkage.attackers.heads import Retrained

KNOWN = np.arange(400)


def test_heads_find_mates_across_spaces_of_unequal_width():
    pairs = shared_latent.draw(700, np.full(8, 0.95), widths=(20, 30))
    assert shared_latent.found(Retrained(steps=(100,)), pairs, KNOWN) > 40 / 300


@pytest.mark.slow
def test_a_longer_training_is_chosen_where_there_is_more_to_learn():
    easy = shared_latent.draw(500, np.full(8, 0.97), widths=(16, 16)).known(KNOWN)
    hopeless = shared_latent.draw(500, np.zeros(8), nuisance=40).known(np.arange(60))
    chosen = [Retrained(steps=(5, 100)).fit(pairs).settings["steps"] for pairs in (easy, hopeless)]
    assert chosen[0] == 100
    assert chosen[0] >= chosen[1]


@pytest.mark.slow
def test_no_training_goes_over_the_pairs_more_than_a_hundred_times(monkeypatch):
    monkeypatch.setattr("relinkage.attackers.heads.choose", lambda known, grid, *rest: grid[-1])
    pairs = shared_latent.draw(30, np.full(4, 0.9)).known(np.arange(30))
    for batch, longest in ((15, 200), (30, 100), (256, 100)):
        fitted = Retrained(batch=batch, steps=(20, 100, 200, 201)).fit(pairs)
        assert fitted.settings["steps"] == longest


def test_the_callers_random_state_plays_no_part():
    pairs = shared_latent.draw(60, np.full(4, 0.9)).known(np.arange(60))
    found = []
    for state in (0, 1):
        torch.manual_seed(state)
        fitted = Retrained(seed=5, steps=(10,)).fit(pairs)
        found.append(fitted.transform(pairs.images, pairs.texts)[0])
    np.testing.assert_array_equal(*found)
