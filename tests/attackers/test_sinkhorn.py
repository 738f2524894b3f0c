"""Sinkhorn uses that each report belongs to one study, and the dustbin that some belong to none."""

import numpy as np
import shared_latent

from relinkage.attackers.cross_validation import unit
from relinkage.attackers.sinkhorn import Sinkhorn
from relinkage.attackers.transport import potentials


def recall(fitted, images, texts, asking):
    scores = shared_latent.cosines(*fitted.transform(images, texts))
    return (scores[:asking].argmax(axis=1) == np.arange(asking)).mean()


def test_the_score_is_the_logarithm_of_the_plan():
    pairs = shared_latent.draw(150, np.full(6, 0.8))
    left, right = unit(pairs.images), unit(pairs.texts)
    found = potentials(left, right, 0.05)
    plan = left @ right.T / 0.05 + found.rows[:, None] + found.columns
    u, v = Sinkhorn().transform(pairs.images, pairs.texts)
    scores = u @ v.T
    np.testing.assert_allclose(scores - scores.mean(), plan - plan.mean(), atol=1e-9)


def test_it_beats_cosine_where_matching_is_easy_and_all_mates_are_there():
    pairs = shared_latent.draw(600, np.full(20, 0.75))
    cosine = shared_latent.hits(shared_latent.cosines(pairs.images, pairs.texts)).mean()
    assert recall(Sinkhorn(), pairs.images, pairs.texts, 600) > cosine + 0.05


def test_with_half_of_the_mates_absent_the_dustbin_is_worth_more_than_balancing_and_than_cosine():
    """Half of the images have no report and half of the reports no image."""
    found = []
    for seed in range(3):
        pairs = shared_latent.draw(600, np.full(20, 0.75), seed=seed)
        others = shared_latent.draw(600, np.full(20, 0.75), seed=seed + 100)
        texts = np.vstack([pairs.texts[:300], others.texts[300:]])
        cosine = (shared_latent.cosines(pairs.images, texts)[:300].argmax(axis=1) == np.arange(300)).mean()
        attackers = (
            Sinkhorn(strength=(0.02, None)),
            Sinkhorn(dustbin=True).fit(others.known(np.arange(300))),
            Sinkhorn(dustbin=True),
        )
        found.append([cosine, *(recall(one, pairs.images, texts, 300) for one in attackers)])
    cosine, balanced, chosen, usual = np.mean(found, axis=0)
    assert min(chosen, usual) > max(cosine, balanced) + 0.005


def test_its_strength_is_chosen_on_auxiliary_pairs_and_has_a_default():
    pairs = shared_latent.draw(300, np.full(20, 0.75))
    fitted = Sinkhorn().fit(pairs.known(np.arange(300)))
    assert fitted.settings["epsilon"] in (0.02, 0.05, 0.1)
    assert "300 auxiliary pairs" in fitted.settings["chosen_by"]
    assert Sinkhorn().fit(None).settings["epsilon"] == 0.05
    assert "dustbin_at_quantile_of_best_cosines" in Sinkhorn(dustbin=True).fit(None).settings
