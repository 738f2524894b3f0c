"""e^x in compiled loops of both precisions, against numpy's in double precision."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numba import njit

from relinkage.exponential import exponential


@njit
def each(values, made):
    for i in range(len(values)):
        made[i] = exponential(values[i])


@njit(fastmath={"contract", "reassoc", "arcp"}, error_model="numpy")
def each_reordered(values, made):
    for i in range(len(values)):
        made[i] = exponential(values[i])


@pytest.mark.parametrize("loop", [each, each_reordered])
@pytest.mark.parametrize("part", range(16))
def test_single_precision_is_within_1e7_of_it(loop, part):
    """The parts together are a 64th of all numbers from -87 to -2⁻³⁰."""
    first, last = (np.array([2**-30, 87], np.float32)).view(np.uint32)
    bits = np.arange(first + 64 * part + part, last, 64 * 16, dtype=np.uint32)
    values = -bits.view(np.float32)
    made = np.empty_like(values)
    loop(values, made)
    assert np.abs(made / np.exp(values.astype(np.float64)) - 1).max() < 1e-7
    zero = np.zeros(1, np.float32)
    loop(zero, made)
    assert made[0] == 1


@settings(deadline=None)
@given(values=arrays(np.float64, st.integers(1, 40), elements=st.floats(-700, 0)))
def test_double_precision_is_libms(values):
    made = np.empty_like(values)
    each(values, made)
    np.testing.assert_allclose(made, np.exp(values), rtol=1e-15)


@pytest.mark.parametrize("far", [-88, -1e30, -np.inf])
def test_far_values_of_single_precision_stay_at_the_lowest(far):
    values = np.array([far, 0], np.float32)
    made = np.empty_like(values)
    each(values, made)
    assert made.tolist() == pytest.approx([np.exp(-87.0), 1])


def test_outside_of_loops_it_is_the_standard_librarys():
    assert exponential(-1.5) == pytest.approx(np.exp(-1.5), rel=1e-15)
