"""Principal components are those of the covariance, and there are no more than the vectors have."""

import numpy as np
import pytest

from relinkage.attackers.principal import Principal


@pytest.mark.parametrize(("n", "d"), [(300, 8), (40, 40), (12, 30)])
def test_components_are_those_of_the_covariance(n, d):
    vectors = np.random.default_rng(0).normal(size=(n, d)) * np.geomspace(10, 0.1, d) + 5
    found = Principal.of(vectors.astype(np.float32))
    given = vectors.astype(np.float32).astype(np.float64)
    expected = np.linalg.eigvalsh(np.cov(given.T, bias=True))[::-1]
    rank = min(n - 1, d)
    assert found.directions.shape == (d, rank)
    np.testing.assert_allclose(found.variance, expected[:rank], rtol=1e-6)
    np.testing.assert_allclose(found.directions.T @ found.directions, np.eye(rank), atol=1e-9)
    assert found.mean_variance == pytest.approx(expected.mean())


def test_coordinates_vary_apart_and_as_much_as_is_said():
    vectors = np.random.default_rng(1).normal(size=(200, 5)) @ np.random.default_rng(2).normal(size=(5, 9))
    found = Principal.of(vectors)
    coordinates = found.coordinates(vectors)
    assert coordinates.shape == (200, 5)
    np.testing.assert_allclose(np.cov(coordinates.T, bias=True), np.diag(found.variance), atol=1e-9)
    np.testing.assert_array_equal(found.coordinates(vectors, 2), coordinates[:, :2])


def test_vectors_that_are_all_alike_have_one_component_of_no_variance():
    found = Principal.of(np.ones((6, 3)))
    assert found.variance.tolist() == [0.0]
    assert not found.coordinates(np.ones((6, 3))).any()
