"""CSLS takes from a cosine how similar each side is to everything."""

import numpy as np
import pytest
import shared_latent

from relinkage.attackers import AuxiliaryPairs, load_attacker
from relinkage.attackers.cross_validation import mean_log_rank
from relinkage.attackers.csls import NEIGHBOURS, Csls, neighbourhoods


@pytest.mark.parametrize(("n", "m", "neighbours"), [(30, 50, 10), (5, 8, 10), (1, 1, 10), (2100, 40, 3)])
def test_scores_are_those_of_a_double_loop(n, m, neighbours):
    rng = np.random.default_rng(n)
    images, texts = rng.normal(size=(n, 6)) + 0.5, rng.normal(size=(m, 6)) + 0.5
    cosines = shared_latent.cosines(images, texts)
    of_images = [np.mean(sorted(row)[-neighbours:]) for row in cosines]
    of_texts = [np.mean(sorted(column)[-neighbours:]) for column in cosines.T]
    expected = 2 * cosines - np.array(of_images)[:, None] - np.array(of_texts)
    u, v = Csls(neighbours).transform(images, texts)
    scores = u @ v.T
    np.testing.assert_allclose(scores - scores.mean(), expected - expected.mean(), atol=1e-9)


def test_neighbours_are_the_same_for_blocks_of_any_size(monkeypatch):
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(70, 4)), rng.normal(size=(45, 4))
    whole = neighbourhoods(left, right, 9)
    monkeypatch.setattr("relinkage.attackers.csls._BLOCK", 8)
    for found, expected in zip(neighbourhoods(left, right, 9), whole, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_it_beats_cosine_where_hubs_are_similar_to_everything():
    rng = np.random.default_rng(0)
    pairs = shared_latent.draw(600, np.full(20, 0.75), seed=1)
    centre = np.full(20, 2.0)
    lean = rng.exponential(size=(600, 1)) / 2  # some texts lie further towards where all images are
    images, texts = pairs.images + centre, pairs.texts + lean * centre
    cosine = shared_latent.hits(shared_latent.cosines(images, texts)).mean()
    found = shared_latent.hits(
        shared_latent.cosines(*load_attacker("csls").fit(None).transform(images, texts))
    ).mean()
    assert found > 1.2 * cosine


def test_without_pairs_it_asks_ten_neighbours_and_with_pairs_as_many_as_serve_them_best():
    rng = np.random.default_rng(1)
    pairs = shared_latent.draw(400, np.full(20, 0.75), seed=2)
    texts = pairs.texts + rng.exponential(size=(400, 1)) / 2 * np.full(20, 2.0)
    known = AuxiliaryPairs(pairs.images + 2, texts, pairs.patient)
    assert Csls().fit(None).settings["neighbours"] == 10
    fitted = Csls().fit(known)
    ranks = {
        k: mean_log_rank(shared_latent.cosines(*Csls(k).transform(known.images, known.texts)), known.patient)
        for k in NEIGHBOURS
    }
    assert fitted.neighbours == min(ranks, key=ranks.get)
    assert "400 auxiliary pairs" in fitted.settings["chosen_by"]
