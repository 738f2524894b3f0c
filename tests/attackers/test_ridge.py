"""Ridge regression predicts the image's vector from the text's."""

import numpy as np
import pytest
import shared_latent

from relinkage.attackers.ridge import PENALTIES, Ridge, _family

KNOWN = np.arange(500)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("pairs", [8, 100])
def test_weights_are_those_of_the_normal_equations(penalty, pairs):
    known = shared_latent.draw(pairs, [0.8, 0.5], nuisance=3, widths=(7, 12)).known(np.arange(pairs))
    images, texts = known.images - known.images.mean(0), known.texts - known.texts.mean(0)
    covariance = texts.T @ texts / pairs
    shrunk = covariance + penalty * np.trace(covariance) / 12 * np.eye(12)
    expected = np.linalg.solve(shrunk, texts.T @ images / pairs)
    fitted = _family(known)(penalty)
    np.testing.assert_allclose(fitted.weight, expected, rtol=1e-6, atol=1e-8)
    left, right = fitted.transform(known.images, known.texts)
    np.testing.assert_allclose(left, images, atol=1e-9)
    np.testing.assert_allclose(right, texts @ expected, rtol=1e-6, atol=1e-6)


def test_it_finds_mates_across_spaces_of_unequal_width():
    pairs = shared_latent.draw(1000, np.full(8, 0.95), widths=(20, 30))
    assert shared_latent.found(Ridge(), pairs, KNOWN) > 50 / 500


def test_more_noise_is_penalised_more():
    quiet = shared_latent.draw(600, np.full(4, 0.95)).known(KNOWN)
    noisy = shared_latent.draw(600, np.full(4, 0.95), nuisance=200).known(np.arange(60))
    chosen = [Ridge().fit(pairs).settings["penalty"] for pairs in (quiet, noisy)]
    assert chosen[0] < chosen[1]
