"""Sign bits: a code says on which side of some planes a vector lies, and no more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.defences import SignBits


def vectors(rows, width, seed=0):
    drawn = np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@given(bits=st.integers(1, 70), width=st.integers(2, 20), seed=st.integers(0, 9))
def test_sign_bits_takes_no_more_values_than_codes(bits, width, seed):
    images = vectors(200, width, seed)
    released = SignBits(bits, seed).released(images, np.arange(200))
    assert np.linalg.norm(released, axis=1) == pytest.approx(1, abs=1e-5)
    assert len(np.unique(released, axis=0)) <= 2**bits


def test_more_sign_bits_lie_nearer_to_the_vector():
    images = vectors(300, 32)
    near = [
        (SignBits(bits).released(images, np.arange(300)) * images).sum(axis=1).mean()
        for bits in (1, 8, 64, 512, 4096)
    ]
    assert (np.diff(near) > 0).all()
    assert near[-1] > 0.99


def test_one_sign_bit_is_a_direction_or_its_opposite():
    released = SignBits(1, seed=3).released(vectors(50, 5), np.arange(50))
    assert np.abs(released @ released[0]) == pytest.approx(1, abs=1e-5)
    assert len(np.unique(released.round(4), axis=0)) == 2
