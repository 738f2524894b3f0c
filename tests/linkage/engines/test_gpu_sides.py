"""What half precision may decide, it decides rightly, even where a matrix unit cuts instead of rounding."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracle import TIE

from relinkage.linkage.engines.gpu_sides import bands, bring, half_width, padded, product_bound
from relinkage.linkage.vectors import Vectors

CPU = torch.device("cpu")


def cut(values, quantum):
    return np.trunc(values / quantum) * quantum


def leading(values):
    """The power of two that a number begins with."""
    return 2.0 ** (np.frexp(values)[1] - 1)


def matrix_unit(x, y, begin, at_once):
    """Products of float16 vectors, added as Fasi et al. 2021 found: aligned, cut, added, cut."""
    total = begin.astype(np.float64)
    for first in range(0, x.shape[1], at_once):
        part = slice(first, first + at_once)
        terms = np.concatenate([x[:, None, part] * y[None, :, part], total[..., None]], axis=2)
        largest = np.abs(terms).max(axis=2)
        quantum = np.where(largest > 0, leading(largest), 1) * 2.0**-23
        total = cut(terms, quantum[..., None]).sum(axis=2)
        total = cut(total, np.where(total != 0, leading(total), 1) * 2.0**-23)
    return total


def sides(queries, candidates):
    a, b = Vectors.prepare(queries, "a"), Vectors.prepare(candidates, "b")
    return a, b, bring(a, a.mean, b.mean, CPU), bring(b, b.mean, a.mean, CPU)


def errors_and_width(queries, candidates, mate_score, at_once):
    """How far computed scores lie from the true ones, and the bound, both on the scale of cosines."""
    a, b, rows, columns = sides(queries, candidates)
    centres = float(a.mean @ b.mean)
    shift, low, high = bands(rows, columns, torch.from_numpy(mate_score), centres)
    x, y = (side.halves.double().numpy() for side in (rows, columns))
    scale = rows.scale * columns.scale
    product = matrix_unit(x, y, np.zeros((len(a), len(b))), at_once).astype(np.float32)
    computed = (product + shift.numpy()).astype(np.float64) / scale
    units = [v.given.astype(np.float64) * v.inverse_norm[:, None] for v in (a, b)]
    threshold = mate_score - rows.shift.numpy()
    true = units[0] @ units[1].T - rows.shift.numpy()[:, None]
    ends = [end.double().numpy() / scale for end in (low, high)]
    width = np.minimum(threshold - ends[0], ends[1] - threshold)
    return np.abs(computed - true).max(axis=1), width


@given(
    seed=st.integers(0, 2**32 - 1),
    d=st.sampled_from([1, 2, 17, 64, 300]),
    cone=st.sampled_from([0, 0.5, 3, 1000]),
    at_once=st.sampled_from([1, 4, 8, 16]),
)
def test_the_error_stays_inside(seed, d, cone, at_once):
    rng = np.random.default_rng(seed)
    queries, candidates = rng.normal(size=(2, 20, d)) + cone
    error, width = errors_and_width(queries, candidates, rng.uniform(-1, 1, 20), at_once)
    assert (error + TIE <= width).all()


@pytest.mark.parametrize("at_once", [1, 4, 8, 16])
def test_a_product_whose_small_terms_are_all_cut_off_stays_inside(at_once):
    """After a one, each term just below 2⁻²³ is lost: a bound made for rounding would not do."""
    x, y = np.full((2, 1, 256), 2.0**-12)
    x[0, 0] = y[0, 0] = 1
    x[0, 1:] *= 2 - 2.0**-10
    total = matrix_unit(x, y, np.zeros((1, 1)), at_once)
    error, size = (x @ y.T - total).item(), (x @ y.T).item()
    assert 1.9 * 256 * 2.0**-24 * size < error <= product_bound(256) * size


def test_the_band_is_narrow_enough_to_be_of_use():
    rng = np.random.default_rng(1)
    _, width = errors_and_width(*rng.normal(size=(2, 200, 128)), np.zeros(200), 16)
    assert width.max() < 1e-3  # of scores that spread over some 0.09


def test_the_residue_is_what_rounding_took():
    rng = np.random.default_rng(2)
    a, _, rows, _ = sides(
        rng.normal(size=(50, 20)) * 2.0 ** rng.integers(-30, 0, 20), rng.normal(size=(50, 20))
    )
    exact = a.given * a.inverse_norm[:, None] - a.mean
    values = rows.halves.double().numpy() / rows.scale
    left_over = np.linalg.norm(exact - values[:50, :20], axis=1)
    assert (left_over <= rows.residue.numpy()).all()
    assert (rows.residue.numpy() <= left_over * (1 + 1e-6)).all()
    assert (np.linalg.norm(exact, axis=1) <= rows.norm.numpy()).all()


def test_no_half_is_subnormal_or_near_overflow():
    rng = np.random.default_rng(3)
    _, _, rows, _ = sides(
        rng.normal(size=(50, 20)) * 10.0 ** rng.integers(-9, 1, 20), rng.normal(size=(50, 20))
    )
    size = rows.halves[rows.halves != 0].abs()
    assert float(size.min()) >= 2.0**-14
    assert 2.0**14 <= float(size.max()) <= 2.0**15


def test_bring_pads_with_zeros():
    _, _, rows, _ = sides(*np.random.default_rng(4).normal(size=(2, 18, 5)))
    assert rows.halves.shape == (18, 16)
    assert not rows.halves[:, 5:].any()


def test_bands_of_a_row_that_asks_nothing_leave_nothing_undecided_and_nothing_above():
    _, _, rows, columns = sides(*np.random.default_rng(5).normal(size=(2, 8, 5)))
    nothing = torch.full((8,), torch.inf, dtype=torch.float64)
    assert (half_width(rows, columns, columns.shift, nothing) == 0).all()
    _, low, high = bands(rows, columns, nothing, 0.0)
    assert (low == torch.inf).all()
    assert (high == torch.inf).all()


def test_where_the_bound_says_nothing_everything_is_settled():
    assert product_bound(2**20) < np.inf
    assert product_bound(2**21) == np.inf


@pytest.mark.parametrize(("d", "expected"), [(1, 16), (40, 48), (128, 128), (130, 144)])
def test_widths_are_padded_to_whole_steps(d, expected):
    assert padded(d) == expected
