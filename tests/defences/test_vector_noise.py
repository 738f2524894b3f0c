"""Noise on released vectors: as long as it is said to be, and shorter where releases are averaged."""

import numpy as np
import pytest

from relinkage.defences import VectorNoise


@pytest.mark.parametrize(("amount", "releases"), [(0.2, 1), (2.0, 1), (2.0, 10)])
def test_vector_noise_is_as_long_as_stated_and_falls_with_the_root_of_releases(amount, releases):
    images = np.zeros((4000, 32), np.float32)
    noise = VectorNoise(amount, releases, seed=1).released(images, np.arange(4000))
    length = np.sqrt(np.square(noise).sum(axis=1).mean())
    assert length == pytest.approx(amount / np.sqrt(releases), rel=0.02)
    assert noise.mean(axis=0) == pytest.approx(0, abs=0.05 * amount)


def test_no_vector_noise_is_the_vector_itself():
    images = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    assert (VectorNoise(0.0).released(images, np.arange(20)) == images).all()


def test_vector_noise_of_another_seed_is_another():
    images = np.zeros((20, 4), np.float32)
    first, again, other = (VectorNoise(1.0, seed=seed).released(images, np.arange(20)) for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()
