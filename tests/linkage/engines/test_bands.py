"""What single precision may decide, it decides rightly: its error stays inside the proven band."""

import numpy as np
import pytest
from oracle import TIE

from relinkage.linkage.engines.bands import bands, half_width
from relinkage.linkage.engines.centred import centre
from relinkage.linkage.vectors import Vectors

# A float64 reference is itself off by d·2⁻⁵³; what is being measured is a million times larger.


def errors_and_width(queries, candidates, product):
    """How far single-precision scores lie from the true ones, on the scale they are compared on."""
    a, b = Vectors.prepare(queries, "a"), Vectors.prepare(candidates, "b")
    rows, columns = centre(a, a.mean, b.mean), centre(b, b.mean, a.mean)
    shift = columns.shift - a.mean @ b.mean
    q = product(rows.values, columns.values) + shift.astype(np.float32)
    assert q.dtype == np.float32
    units = [v.given.astype(np.float64) * v.inverse_norm[:, None] for v in (a, b)]
    true = units[0] @ units[1].T - rows.shift[:, None]
    return np.abs(q - true).max(axis=1), half_width(rows, columns, shift)


def one_term_after_the_other(x, y):
    """The order of summation with the largest error."""
    total = np.zeros((len(x), len(y)), np.float32)
    for k in range(x.shape[1]):
        total += x[:, k, None] * y[None, :, k]
    return total


@pytest.mark.parametrize("product", [np.matmul, one_term_after_the_other], ids=["blas", "in order"])
@pytest.mark.parametrize("d", [1, 2, 64, 768])
@pytest.mark.parametrize("cone", [0, 3, 1000])
def test_the_error_stays_inside(product, d, cone):
    rng = np.random.default_rng(d + cone)
    if product is np.matmul:
        product = lambda x, y: x @ y.T  # noqa: E731
    queries, candidates = (rng.normal(size=(200, d)) + cone for _ in range(2))
    error, width = errors_and_width(queries, candidates, product)
    assert (error <= width).all()


def test_the_error_stays_inside_where_all_rounding_goes_one_way():
    """Positive terms just above a power of two lose half a unit each when they are added in order."""
    rng = np.random.default_rng(0)
    signs = rng.choice([-1.0, 1.0], (100, 1))
    ones = signs * (1 + rng.uniform(0, 2.0**-10, (100, 512)))
    error, width = errors_and_width(ones, ones[::-1], one_term_after_the_other)
    assert (error <= width).all()


def test_the_band_is_narrow_enough_to_be_of_use():
    rng = np.random.default_rng(1)
    _, width = errors_and_width(*rng.normal(size=(2, 500, 512)), one_term_after_the_other)
    assert width.max() < 1e-4  # of scores that spread over some 0.04


def test_identical_vectors_leave_next_to_nothing_to_bound():
    same = np.tile(np.random.default_rng(2).normal(size=(1, 64)), (50, 1))
    error, width = errors_and_width(same, same, one_term_after_the_other)
    assert (error <= width).all()
    assert width.max() < 1e-6


def test_bands_are_rounded_outwards_and_hold_the_ties():
    threshold = np.random.default_rng(3).uniform(-1, 1, 10_000)
    low, high = bands(threshold, np.full(10_000, 2.0**-45))
    assert low.dtype == high.dtype == np.float32
    assert (low.astype(np.float64) < threshold - TIE - 2.0**-45).all()
    assert (high.astype(np.float64) > threshold + TIE + 2.0**-45).all()
    assert (high.astype(np.float64) - low < 4 * 2.0**-23).all()
