"""What single precision may decide, it decides rightly: its error stays inside the proven band."""

import numpy as np
import pytest
from oracle import TIE

from relinkage.linkage.engines.bands import bands, half_width
from relinkage.linkage.engines.centred import centre
from relinkage.linkage.vectors import Vectors
from tiers import quick

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
    return np.abs(q - true).max(axis=1), half_width(rows, columns, shift, np.zeros(len(a)))


def one_term_after_the_other(x, y):
    """The order of summation with the largest error."""
    total = np.zeros((len(x), len(y)), np.float32)
    for k in range(x.shape[1]):
        total += x[:, k, None] * y[None, :, k]
    return total


@pytest.mark.parametrize("product", [np.matmul, one_term_after_the_other], ids=["blas", "in order"])
@pytest.mark.parametrize("d", [1, 2, 64, 768])
@pytest.mark.parametrize("cone", quick(1, [3, 0, 1000]))
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


def nearest_bfloat(values):
    bits = values.view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


def cosines(a, b):
    """In extended precision: what is left open is compared with it too, to the last bit of float64."""
    units = [v.given.astype(np.longdouble) for v in (a, b)]
    units = [u / np.sqrt((u * u).sum(axis=1, keepdims=True)) for u in units]
    return units[0] @ units[1].T


def worst(x, y, sign):
    """Sums as far off as they may be: 2 (d + 2) roundings, all one way."""
    true, reach = (f(x.astype(np.float64), y.astype(np.float64)) for f in (
        lambda u, v: u @ v.T, lambda u, v: np.outer(np.linalg.norm(u, axis=1), np.linalg.norm(v, axis=1))
    ))  # fmt: skip
    return (true + sign * 2 * x.shape[1] * 2.0**-24 * reach).astype(np.float32)


def planes(kind, d):
    rng = np.random.default_rng(d)
    queries, candidates = (rng.normal(size=(60, d)) for _ in range(2))
    if kind == "cone":
        return queries + 1000, candidates + 1000
    if kind == "one side in a cone":  # all of the score is shift
        return queries, candidates + 50
    if kind == "subnormal":
        return np.eye(60, d) + 1e-41 * queries, np.eye(60, d)[::-1] + 1e-41 * candidates
    if kind == "one far from all":
        candidates[:55] = candidates[0] + 1e-3 * candidates[:55]
        return np.concatenate([candidates[55:], candidates[:55]]), candidates
    return queries, candidates


@pytest.mark.parametrize("kind", ["random", "cone", "one side in a cone", "subnormal", "one far from all"])
@pytest.mark.parametrize("d", [1, 3, 64, 768])
def test_bands_of_products_rounded_to_bfloat16_decide_as_the_true_scores_do(kind, d):
    """For thresholds at, beside and far from every pair's score, rows that ask and columns that ask."""
    a, b = (Vectors.prepare(array, "vectors") for array in planes(kind, d))
    rows, columns = centre(a, a.mean, b.mean, bfloat=True), centre(b, b.mean, a.mean, bfloat=True)
    shift, score = columns.shift - a.mean @ b.mean, cosines(a, b)
    sums = [one_term_after_the_other(rows.values, columns.values)]
    sums += [worst(rows.values, columns.values, sign) for sign in (-1, 1)]
    decided = 0
    asking = ((rows, columns, shift, rows.shift, 1), (columns, rows, rows.shift, shift, -1))
    for queries, candidates, added, taken, way in asking:
        true = score if way == 1 else score.T
        for mate in range(0, 60, 4):
            for aside in (0, 2.0**-20, -(2.0**-20), 0.01, -0.01, 0.7, -0.7, np.inf):
                own = true[:, mate] + aside
                threshold = own.astype(np.float64) - taken
                low, high = bands(threshold, half_width(queries, candidates, added, threshold, bfloat=True))
                for product in sums:
                    r = nearest_bfloat(np.ascontiguousarray(product if way == 1 else product.T))
                    q = r + added.astype(np.float32)
                    assert (true > own[:, None] + TIE)[q > high[:, None]].all()
                    assert (true < own[:, None] - TIE)[q < low[:, None]].all()
                    decided += ((q > high[:, None]) | (q < low[:, None])).sum()
    assert decided > 0


def test_the_band_of_bfloat16_is_no_wider_than_the_products_reach():
    rng = np.random.default_rng(4)
    a, b = (Vectors.prepare(rng.normal(size=(500, 512)), "vectors") for _ in range(2))
    rows, columns = (centre(v, v.mean, w.mean, bfloat=True) for v, w in ((a, b), (b, a)))
    near, far, never = (
        half_width(rows, columns, columns.shift, np.full(500, threshold), bfloat=True).max()
        for threshold in (0.05, 0.9, np.inf)
    )
    assert near < 0.005 < far <= never < 0.01
