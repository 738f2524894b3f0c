"""L-BFGS on several independent convex problems at once: one pass over the data serves all of them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MEMORY = 10
_STEPS = 2000
_ENOUGH = 1e-4
"""Share of the slope that a step must gain (Armijo)."""


def minimise(value: Callable[[Floats], tuple[Floats, Floats]], start: Floats, tolerance: float) -> Floats:
    """Minimise each column's function of that column (Liu & Nocedal, Mathematical Programming 1989).

    Every column has a curvature memory and a step length of its own and rests once it is done.

    Args:
        value: takes float64, shape (p, columns); gives the value of every column, shape (columns,), and its
            gradient, shape (p, columns). Convex and smooth.
        start: float64, shape (p, columns).
        tolerance: a column is done when no part of its gradient is larger.

    Returns:
        float64, shape (p, columns): the minima.
    """
    at = start
    worth, slope = value(at)
    memory: list[tuple[Floats, Floats, Floats]] = []
    size = np.ones(at.shape[1])
    stuck = np.zeros(at.shape[1], np.bool_)
    for _ in range(_STEPS):
        resting = stuck | (np.abs(slope).max(axis=0) <= tolerance)
        if resting.all():
            break
        way = np.where(resting, 0.0, -_inverse_curvature(slope, memory, size))
        step, there = _step(value, at, way, worth, (slope * way).sum(axis=0))
        stuck |= step == 0
        moved, bent = step * way, there[1] - slope
        along = (moved * bent).sum(axis=0)
        useful = along > 1e-300
        inverse = np.where(useful, 1 / np.where(useful, along, 1.0), 0.0)
        size = np.where(useful, along / np.where(useful, (bent**2).sum(axis=0), 1.0), size)
        memory = [*memory[1 - _MEMORY :], (moved, bent, inverse)]
        at, (worth, slope) = at + moved, there
    return at


def _inverse_curvature(slope: Floats, memory: list[tuple[Floats, Floats, Floats]], size: Floats) -> Floats:
    """Multiply by the inverse Hessian as the last steps showed it: the two loops of L-BFGS."""
    way, shares = slope.copy(), []
    for moved, bent, inverse in reversed(memory):
        shares.append(inverse * (moved * way).sum(axis=0))
        way -= shares[-1] * bent
    way *= size
    for (moved, bent, inverse), share in zip(memory, reversed(shares), strict=True):
        way += moved * (share - inverse * (bent * way).sum(axis=0))
    return way


def _step(
    value: Callable[[Floats], tuple[Floats, Floats]], at: Floats, way: Floats, worth: Floats, fall: Floats
) -> tuple[Floats, tuple[Floats, Floats]]:
    """Halve each column's step until it gains enough; 0 where rounding lets none gain."""
    step = np.ones(len(worth))
    for _ in range(40):
        there = value(at + step * way)
        short = there[0] > worth + _ENOUGH * step * fall + 1e-15 * np.abs(worth)
        if not short.any():
            return step, there
        step[short] /= 2
    step[short] = 0
    return step, value(at + step * way)
