"""Independent convex problems are minimised side by side, each to its own end."""

import numpy as np
import pytest

from relinkage.usefulness.minimising import minimise


@pytest.mark.parametrize("spread", [1.0, 1e3, 1e6])
def test_quadratics_end_where_their_equations_do(spread):
    random = np.random.default_rng(0)
    matrices, minima = [], random.normal(size=(5, 4))
    for _ in range(4):
        turn = np.linalg.qr(random.normal(size=(5, 5)))[0]
        matrices.append(turn * np.geomspace(1, spread, 5) @ turn.T)

    def value(at):
        slope = np.stack([m @ (x - o) for m, x, o in zip(matrices, at.T, minima.T, strict=True)], axis=1)
        return ((at - minima) * slope).sum(axis=0) / 2, slope

    found = minimise(value, np.zeros((5, 4)), 1e-7)
    assert np.abs(value(found)[1]).max() <= 1e-7
    np.testing.assert_allclose(found, minima, atol=1e-6)


def test_a_column_does_not_feel_its_neighbours():
    """Softplus of steep and of flat slopes: alone or side by side, each ends at the same place."""
    steep = np.array([0.1, 1.0, 30.0])

    def value_of(slopes):
        def value(at):
            bent = np.logaddexp(0, slopes * at[0]) - 0.3 * slopes * at[0]
            return bent, (slopes * (1 / (1 + np.exp(-slopes * at[0])) - 0.3))[None]

        return value

    together = minimise(value_of(steep), np.full((1, 3), 2.0), 1e-9)
    alone = [minimise(value_of(steep[[place]]), np.full((1, 1), 2.0), 1e-9)[0, 0] for place in range(3)]
    np.testing.assert_allclose(together[0], alone)
    np.testing.assert_allclose(together[0], np.log(0.3 / 0.7) / steep, rtol=1e-6)


def test_a_start_at_the_minimum_stays():
    start = np.zeros((2, 3))
    assert minimise(lambda at: ((at**2).sum(axis=0), 2 * at), start, 1e-9) is start


def test_a_tolerance_beyond_rounding_comes_to_an_end():
    def value(at):
        return 1e6 + ((at - np.pi) ** 2).sum(axis=0), 2 * (at - np.pi)

    found = minimise(value, np.zeros((1, 2)), 0.0)
    np.testing.assert_allclose(found, np.pi, atol=1e-3)
