"""Vectors are checked, normalised and centred, and what rounding takes away is accounted for."""

import numpy as np
import pytest

from relinkage.errors import InputError
from relinkage.linkage.engines.centred import centre
from relinkage.linkage.vectors import Vectors


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_norms_and_mean_are_those_of_double_precision(rng):
    array = rng.normal(size=(5000, 7)).astype(np.float16)  # more rows than are worked on at a time
    vectors = Vectors.prepare(array, "a")
    wide = array.astype(np.float64)
    norm = np.linalg.norm(wide, axis=1)
    assert (len(vectors), vectors.dimension, vectors.given.dtype) == (5000, 7, np.float32)
    np.testing.assert_allclose(vectors.inverse_norm, 1 / norm, rtol=1e-14)
    np.testing.assert_allclose(vectors.mean, (wide / norm[:, None]).mean(axis=0), atol=1e-14)


def test_identity_is_equality_of_directions(rng):
    few = rng.normal(size=(5, 3)).astype(np.float32)
    which = rng.integers(0, 5, 400)
    scale = 2.0 ** rng.integers(-3, 4, (400, 1))
    identity = Vectors.prepare((few[which] * scale).astype(np.float32), "a").identity
    np.testing.assert_array_equal(identity[:, None] == identity, which[:, None] == which)


def test_identity_tells_opposites_and_neighbours_apart():
    up = np.nextafter(np.float32(1), np.float32(2))
    array = np.array([[1, 0.5], [-1, -0.5], [up, 0.5], [1, 0.5]], np.float32)
    identity = Vectors.prepare(array, "a").identity
    assert len(set(identity)) == 3
    assert identity[0] == identity[3]


def test_identity_takes_no_notice_of_the_sign_of_zero():
    identity = Vectors.prepare(np.array([[1.0, 0.0], [1.0, -0.0]]), "a").identity
    assert identity[0] == identity[1]


def test_taking_rows_takes_what_belongs_to_them(rng):
    array = rng.normal(size=(20, 4))
    vectors, rows = Vectors.prepare(array, "a"), np.array([7, 7, 2])
    taken = vectors.take(rows)
    np.testing.assert_array_equal(taken.given, array[rows])
    np.testing.assert_array_equal(taken.inverse_norm, vectors.inverse_norm[rows])
    assert taken.identity[0] == taken.identity[1] != taken.identity[2]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_centring_loses_nothing_that_is_not_accounted_for(rng, dtype):
    a = Vectors.prepare((rng.normal(size=(5000, 40)) + 2).astype(dtype), "a")
    b = Vectors.prepare(rng.normal(size=(30, 40)) - 1, "b")
    made = centre(a, a.mean, b.mean)
    unit = a.given.astype(np.float64) * a.inverse_norm[:, None]
    exact = unit - a.mean
    norm = np.linalg.norm(exact, axis=1)
    residue = np.linalg.norm(exact - made.values, axis=1)
    assert (made.norm >= norm).all()
    assert (made.residue >= residue).all()
    np.testing.assert_allclose(made.norm, norm, rtol=1e-8)
    np.testing.assert_allclose(made.residue, residue, rtol=1e-8)
    np.testing.assert_allclose(made.shift, unit @ b.mean, atol=1e-14)


@pytest.mark.parametrize("array", [np.ones(3), np.ones((2, 2, 2)), np.ones((0, 4)), np.ones((4, 0))])
def test_anything_but_a_row_a_vector_is_refused(array):
    with pytest.raises(InputError) as error:
        Vectors.prepare(array, "images.npy")
    assert str(error.value) == (
        f"images.npy has shape {array.shape}; give a row per vector: (vectors, dimensions)."
    )


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_, np.complex64, np.longdouble])
def test_other_numbers_are_refused(dtype):
    with pytest.raises(InputError, match=r"images.npy holds .*; give float16, float32 or float64\.$"):
        Vectors.prepare(np.ones((3, 2), dtype), "images.npy")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_counted_and_located(rng, bad):
    array = rng.normal(size=(9000, 3)).astype(np.float32)
    array[[4500, 7000, 8999], [0, 1, 2]] = bad
    with pytest.raises(InputError) as error:
        Vectors.prepare(array, "reports.npy")
    assert str(error.value) == (
        "reports.npy holds NaN or infinity in 3 of 9000 rows, the first is row 4500 (counting from 0); "
        "remove them."
    )


def test_vectors_of_length_zero_are_counted_and_located(rng):
    array = rng.normal(size=(9000, 3))
    array[[6000, 6001]] = 0
    with pytest.raises(InputError) as error:
        Vectors.prepare(array, "reports.npy")
    assert str(error.value) == (
        "reports.npy holds 2 vectors of length zero, the first is row 6000 (counting from 0); "
        "a zero vector has no cosine, remove it."
    )


@pytest.mark.parametrize("tiny", [5e-324, 1e-300, 1e-160])
def test_a_vector_so_short_that_its_square_vanishes_is_no_zero_vector(tiny):
    vectors = Vectors.prepare(np.array([[tiny, 0.0], [0.0, -tiny]]), "a")
    np.testing.assert_allclose(vectors.given * vectors.inverse_norm[:, None], [[1, 0], [0, -1]])


def test_the_callers_array_is_left_as_it_was(rng):
    array = rng.normal(size=(10, 3)) * 1e-200
    before = array.copy()
    Vectors.prepare(array, "a")
    np.testing.assert_array_equal(array, before)


def test_unit_vectors_are_those_given_at_length_one():
    given = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32) * 7
    unit = Vectors.prepare(given, "given").unit()
    assert unit.dtype == np.float64
    np.testing.assert_allclose(unit, given / np.linalg.norm(given.astype(np.float64), axis=1)[:, None])
