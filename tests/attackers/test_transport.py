"""Balanced block by block in single precision, a plan is that of the whole matrix in double."""

import numpy as np
import pytest
from scipy.special import logsumexp

from relinkage.attackers.cross_validation import unit
from relinkage.attackers.transport import potentials


def by_hand(scores, epsilon, dustbin, sweeps):
    """Sinkhorn on the whole matrix, rows then columns, in logarithms; bins are one more of each."""
    n, m = scores.shape
    each = n / m if dustbin is None else max(1.0, n / m)
    rows, columns = np.zeros(n), np.full(m, np.log(each))
    if dustbin is not None:
        scores = np.pad(scores, (0, 1), constant_values=dustbin)
        rows, columns = np.append(rows, np.log(m * each)), np.append(columns, np.log(n))
    u, v = np.zeros(len(rows)), np.zeros(len(columns))
    for _ in range(sweeps):
        u = rows - logsumexp(scores / epsilon + v, axis=1)
        v = columns - logsumexp(scores / epsilon + u[:, None], axis=0)
    return u[:n], v[:m]


@pytest.mark.parametrize("dustbin", [None, 0.3, 0.8])
@pytest.mark.parametrize("epsilon", [0.02, 0.1])
@pytest.mark.parametrize("size", [(40, 40), (300, 170), (130, 400)])
def test_potentials_are_those_of_the_whole_matrix(size, epsilon, dustbin):
    random = np.random.default_rng(0)
    left, right = (unit(random.normal(size=(rows, 6)) + 0.5) for rows in size)
    found = potentials(left, right, epsilon, dustbin, sweeps=15)
    u, v = by_hand(left @ right.T, epsilon, dustbin, 15)
    np.testing.assert_allclose(found.rows, u, atol=2e-3)
    np.testing.assert_allclose(found.columns, v, atol=2e-3)


def test_a_plan_without_bins_has_the_mass_that_was_asked_for():
    random = np.random.default_rng(1)
    left, right = (unit(random.normal(size=(rows, 5))) for rows in (200, 50))
    found = potentials(left, right, 0.1, sweeps=200)
    plan = np.exp(left @ right.T / 0.1 + found.rows[:, None] + found.columns)
    np.testing.assert_allclose(plan.sum(axis=0), 4, rtol=1e-3)
    np.testing.assert_allclose(plan.sum(axis=1), 1, rtol=1e-3)


def test_the_same_vectors_give_the_same_bits_on_any_number_of_threads(monkeypatch):
    random = np.random.default_rng(2)
    left, right = (unit(random.normal(size=(rows, 5))) for rows in (1000, 300))
    first = potentials(left, right, 0.05, 0.5)
    monkeypatch.setattr("relinkage.threads.available", lambda: 1)
    second = potentials(left, right, 0.05, 0.5)
    np.testing.assert_array_equal(first.rows, second.rows)
    np.testing.assert_array_equal(first.columns, second.columns)


def test_a_small_epsilon_underflows_nowhere():
    random = np.random.default_rng(3)
    left, right = (unit(random.normal(size=(rows, 5))) for rows in (200, 200))
    found = potentials(left, right, 0.002)
    assert np.isfinite(found.rows).all()
    assert np.isfinite(found.columns).all()
