"""No attacker that learns reports less than the cosine, and none loses what it learned."""

from dataclasses import replace

import numpy as np
import pytest
import shared_latent

from relinkage.attackers import load_attacker
from relinkage.attackers.heads import Retrained
from relinkage.attackers.with_cosine import WithCosine

CLOSED = ("procrustes", "ridge", "cca")
ROWS, KNOWN = 1000, np.arange(200)


def attacker(name):
    return WithCosine("heads", Retrained(0, 16, steps=(100,))) if name == "heads" else load_attacker(name)


def recall(fitted, pairs):
    held = pairs.rows(np.arange(len(KNOWN), ROWS))
    return shared_latent.hits(shared_latent.cosines(*fitted.transform(held.images, held.texts))).mean()


def well_trained(seed):
    """A space in which the cosine is the best score there is, and 200 pairs know less of 100 dimensions."""
    return shared_latent.draw(ROWS, np.full(100, 0.5), seed=seed)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", [*CLOSED, pytest.param("heads", marks=pytest.mark.slow)])
def test_where_all_realigners_are_worse_than_the_cosine_none_reports_less(name, seed):
    pairs = well_trained(seed)
    held = pairs.rows(np.arange(len(KNOWN), ROWS))
    cosine = shared_latent.hits(shared_latent.cosines(held.images, held.texts))
    family = attacker(name)
    alone = recall(family.learner.fit(pairs.known(KNOWN)), pairs)
    assert alone < 0.8 * cosine.mean()
    noise = cosine.std() / np.sqrt(len(cosine))
    assert recall(family.fit(pairs.known(KNOWN)), pairs) > cosine.mean() - noise


@pytest.mark.parametrize("name", [*CLOSED, pytest.param("heads", marks=pytest.mark.slow)])
def test_a_rotation_is_undone_and_the_cosine_takes_none_of_it(name):
    pairs = shared_latent.draw(ROWS, np.full(16, 0.85))
    pairs = replace(pairs, texts=pairs.texts @ shared_latent.rotation(16))
    family = attacker(name)
    fitted = family.fit(pairs.known(KNOWN))
    alone = recall(family.learner.fit(pairs.known(KNOWN)), pairs)
    assert alone > 30 / (ROWS - len(KNOWN))
    assert recall(fitted, pairs) > 0.95 * alone
    assert fitted.settings["cosine_share"] < 0.3


@pytest.mark.parametrize("name", CLOSED)
def test_the_cosine_alone_is_the_vectors_as_they_are(name):
    pairs = well_trained(0)
    few = attacker(name).fit(pairs.known(np.arange(20)))
    assert few.settings["cosine_share"] == 1
    images, texts = few.transform(pairs.images, pairs.texts)
    assert images is pairs.images
    assert texts is pairs.texts
    assert few.temperature is None


@pytest.mark.parametrize("name", CLOSED)
def test_sides_that_share_no_space_have_no_cosine_and_say_so(name):
    pairs = shared_latent.draw(ROWS, np.full(8, 0.9), widths=(20, 30))
    family = attacker(name)
    fitted = family.fit(pairs.known(KNOWN))
    assert fitted.settings["cosine"] == "none: the two sides share no space"
    own = family.learner.fit(pairs.known(KNOWN))
    for made, alone in zip(
        fitted.transform(pairs.images, pairs.texts), own.transform(pairs.images, pairs.texts), strict=True
    ):
        np.testing.assert_array_equal(made, alone)


def test_the_share_is_in_the_settings_with_what_chose_it():
    pairs = shared_latent.draw(ROWS, np.full(16, 0.85), nuisance=8, loud=1.5)
    settings = attacker("cca").fit(pairs.known(KNOWN)).settings
    assert 0 <= settings["cosine_share"] <= 1
    assert settings["cosine_share_chosen_by"].startswith("mean log rank of held-out auxiliary pairs")
    assert {"penalty", "components"} <= set(settings)


def test_the_same_pairs_are_learned_from_once():
    family, known = attacker("procrustes"), well_trained(0).known(KNOWN)
    assert family.learn(known) is family.learn(known)
    assert family.learn(known) is not family.learn(known.take(np.arange(100)))
