"""A defence of one's own: what it gives back is checked."""

import numpy as np
import pytest

import relinkage as rl


class Given(rl.Defence):
    """Releases what it was made with."""

    def __init__(self, vectors):
        self.vectors = vectors

    def transform(self, images, patient):
        """Return it."""
        return self.vectors


def test_released_is_float32_and_named_after_the_class():
    defence = Given([[1, 2], [3, 4]])
    released = defence.released(np.zeros((2, 2), np.float32), np.arange(2))
    assert (released.dtype, released.tolist(), defence.key) == (np.float32, [[1, 2], [3, 4]], "given")


@pytest.mark.parametrize("vectors", [[[1, 2]], [[1, 2, 3]] * 2, [1, 2], [[1, np.nan]] * 2, [[1, np.inf]] * 2])
def test_released_refuses_what_is_not_a_finite_row_per_row(vectors):
    with pytest.raises(rl.InputError, match="The defence given made images of shape"):
        Given(vectors).released(np.zeros((2, 2), np.float32), np.arange(2))


def test_transform_is_asked_for():
    with pytest.raises(NotImplementedError, match="needs a method transform"):
        rl.Defence().released(np.zeros((2, 2), np.float32), np.arange(2))
