"""A weighted sum of attackers is as good as the best of them, and better where they know different things."""

from dataclasses import replace

import numpy as np
import pytest
import shared_latent

from relinkage.attackers.cca import Cca
from relinkage.attackers.ensemble import Ensemble, chosen_shares
from relinkage.attackers.mixture import HeldOut
from relinkage.attackers.procrustes import Procrustes
from relinkage.attackers.registry import load_attackers
from relinkage.attackers.ridge import Ridge
from relinkage.attackers.with_cosine import WithCosine

ROWS, KNOWN = 1200, np.arange(400)


def closed():
    learners = {"procrustes": Procrustes(), "ridge": Ridge(), "cca": Cca()}
    return Ensemble(tuple(WithCosine(name, learner) for name, learner in learners.items()))


def recall(fitted, pairs):
    held = pairs.rows(np.arange(len(KNOWN), ROWS))
    return shared_latent.hits(shared_latent.cosines(*fitted.transform(held.images, held.texts))).mean()


SPACES = {
    "rotated": lambda: rotated(shared_latent.draw(ROWS, np.full(16, 0.85))),
    "noisy": lambda: shared_latent.draw(ROWS, np.full(10, 0.9), nuisance=20, loud=4),
    "unequal": lambda: shared_latent.draw(ROWS, np.full(12, 0.93), widths=(30, 20)),
}


def rotated(pairs):
    return replace(pairs, texts=pairs.texts @ shared_latent.rotation(pairs.texts.shape[1]))


@pytest.mark.parametrize("space", SPACES)
def test_it_keeps_nine_tenths_of_what_the_best_single_attacker_gains_over_cosine(space):
    pairs, family = SPACES[space](), closed()
    known = pairs.known(KNOWN)
    cosine = 0.0
    if known.share_a_width:
        held = pairs.rows(np.arange(len(KNOWN), ROWS))
        cosine = shared_latent.hits(shared_latent.cosines(held.images, held.texts)).mean()
    best = max(recall(one.fit(known), pairs) for one in family.members)
    assert best > cosine + 0.05
    assert recall(family.fit(known), pairs) - cosine >= 0.9 * (best - cosine)


def test_where_the_cosine_is_best_it_is_the_cosine():
    pairs = shared_latent.draw(ROWS, np.full(100, 0.5))
    fitted = closed().fit(pairs.known(np.arange(100)))
    assert fitted.settings["shares"] == {"cosine": 1.0}
    assert fitted.transform(pairs.images, pairs.texts)[0] is pairs.images


def test_scores_that_know_different_things_are_added():
    random = np.random.default_rng(0)
    patient = (np.arange(300),)

    def noisy():
        return HeldOut((np.eye(300) * 2.5 + random.normal(size=(300, 300)),), patient)

    held_out = {
        "one": noisy(),
        "two": noisy(),
        "useless": HeldOut((random.normal(size=(300, 300)),), patient),
    }
    shares = chosen_shares(held_out, dict.fromkeys(held_out, 1.0))
    assert sum(shares.values()) == pytest.approx(1)
    assert min(shares["one"], shares["two"]) > 0.25
    assert shares["useless"] < 0.1


def test_nothing_is_learned_twice():
    families = load_attackers(["cca", "ensemble"])
    assert families["cca"] in families["ensemble"].members
    assert "seeds" not in {one.name for one in families["ensemble"].members}


def test_its_settings_say_what_was_tried_and_what_each_is_worth():
    settings = closed().fit(rotated(shared_latent.draw(ROWS, np.full(16, 0.85))).known(KNOWN)).settings
    assert settings["tried"] == ["cosine", "procrustes", "ridge", "cca"]
    assert sum(settings["shares"].values()) == pytest.approx(1, abs=1e-3)
    assert set(settings["shares"]) <= set(settings["tried"])
