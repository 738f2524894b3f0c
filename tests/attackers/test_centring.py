"""Centring takes away what all images share, and all reports."""

import numpy as np
import shared_latent

from relinkage.attackers import load_attacker


def test_scores_are_cosines_of_vectors_without_their_mean():
    pairs = shared_latent.draw(50, np.full(4, 0.8))
    left, right = load_attacker("centre").fit(None).transform(pairs.images + 3, pairs.texts - 2)
    expected = shared_latent.cosines(
        pairs.images - pairs.images.mean(axis=0), pairs.texts - pairs.texts.mean(axis=0)
    )
    np.testing.assert_allclose(shared_latent.cosines(left, right), expected, atol=1e-12)


def test_it_beats_cosine_where_a_mean_is_louder_than_what_the_pairs_share():
    pairs = shared_latent.draw(500, np.full(8, 0.9))
    images, texts = pairs.images + 6, pairs.texts
    cosine = shared_latent.hits(shared_latent.cosines(images, texts)).mean()
    centred = load_attacker("centre").fit(None).transform(images, texts)
    assert shared_latent.hits(shared_latent.cosines(*centred)).mean() > cosine + 0.1
