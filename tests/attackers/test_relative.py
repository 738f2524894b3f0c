"""Similarities to known pairs describe both sides alike, however their spaces lie."""

import numpy as np
import pytest
import shared_latent

from relinkage.attackers.relative import FittedRelative, Relative

KNOWN = np.arange(400)


@pytest.mark.parametrize(("kept", "power"), [(3, 1), (5, 4), (12, 2), (50, 1)])
def test_vectors_are_those_of_a_double_loop(kept, power):
    random = np.random.default_rng(0)
    anchors = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in random.normal(size=(2, 12, 4))]
    images, means = random.normal(size=(7, 4)), (random.normal(size=4), np.zeros(4))
    left, right = FittedRelative(means, *anchors, kept, power).transform(images, images)
    for row, image in enumerate(images):
        for made, mean, side in zip((left, right), means, anchors, strict=True):
            away = (image - mean) / np.linalg.norm(image - mean)
            cosines = [float(away @ anchor) for anchor in side]
            largest = sorted(range(12), key=lambda place: -abs(cosines[place]))[:kept]
            expected = [
                np.sign(cosines[place]) * abs(cosines[place]) ** power if place in largest else 0.0
                for place in range(12)
            ]
            np.testing.assert_allclose(made[row], expected, atol=1e-12)


def test_a_rotation_and_unequal_widths_change_nothing_that_matters():
    pairs = shared_latent.draw(900, np.full(12, 0.95), widths=(30, 20))
    assert shared_latent.found(Relative(), pairs, KNOWN) > 50 / 500


def test_there_are_no_more_anchors_than_the_pass_can_bear(monkeypatch):
    monkeypatch.setattr("relinkage.attackers.relative.LARGEST_ANCHORS", 64)
    pairs = shared_latent.draw(300, np.full(6, 0.8)).known(np.arange(300))
    fitted = Relative().fit(pairs)
    assert fitted.settings["anchors"] == 64
    assert fitted.transform(pairs.images, pairs.texts)[0].shape == (300, 64)
