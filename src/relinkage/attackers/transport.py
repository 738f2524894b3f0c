"""Entropic optimal transport between two sides, without their matrix of similarities.

A sweep is one product in single precision, strip by strip: the rows of a strip are brought to their mass at
once, and what each column then holds is added up over the strips. Libraries of optimal transport keep the
whole matrix, or multiply twice a sweep and know no dustbin.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from relinkage.attackers.protocol import Floats
from relinkage.linkage.strips import Strip, in_strips
from relinkage.threads import one_thread_each

_ROWS, _COLUMNS = 128, 1024
"""Rows of a strip, and columns of a tile: half a megabyte."""
_LEAST = 1e-30
"""What a column holds at least: in single precision its first share may be too small to be seen."""

Singles = NDArray[np.float32]


@dataclass
class Potentials:
    """The logarithms of the factors of a transport plan P_ij = exp(s_ij / ε + u_i + v_j).

    Attributes:
        rows: float64, shape (n,): u.
        columns: float64, shape (m,): v.
        row_bin: that of the row which takes up what columns have no row for.
        column_bin: that of the column which takes up what rows have no column for.
    """

    rows: Floats
    columns: Floats
    row_bin: float = 0.0
    column_bin: float = 0.0


def potentials(
    left: Floats, right: Floats, epsilon: float, dustbin: float | None = None, sweeps: int = 20
) -> Potentials:
    """Balance exp(⟨left, right⟩ / ε) by Sinkhorn's iteration, in the logarithm (Cuturi 2013).

    Every row has the mass 1 and every column max(1, n / m). With a dustbin (Sarlin et al., CVPR 2020) a row
    and a column more score `dustbin` with everything and may take up all there is, so that a mate that is
    not there need not be matched.

    Args:
        left: float64, shape (n, d).
        right: float64, shape (m, d).
        epsilon: ε.
        dustbin: the score of the bins; none where not given, and then every column has the mass n / m.
        sweeps: how often rows and columns are brought to their mass.
    """
    n, m = len(left), len(right)
    each = n / m if dustbin is None else max(1.0, n / m)
    fixed = np.ascontiguousarray(left / epsilon, np.float32)
    other = np.ascontiguousarray(right, np.float32)
    found = Potentials(np.zeros(n), np.zeros(m))
    strips = -(-n // _ROWS)
    held = np.empty((strips, m), np.float32)
    level = -np.inf if dustbin is None else dustbin / epsilon
    with one_thread_each() as threads:
        for sweep in range(sweeps):
            # Both potentials ride along as two more coordinates, so that a product is the whole exponent.
            rows = np.column_stack([fixed, found.rows.astype(np.float32), np.ones(n, np.float32)])
            columns = np.column_stack([other, np.ones(m, np.float32), found.columns.astype(np.float32)])
            to_bin = level + found.rows + found.column_bin
            in_strips(n, _ROWS, _balancing(rows, columns, found, to_bin, held, first=sweep == 0), threads)
            mass = held.sum(axis=0, dtype=np.float64)
            if dustbin is not None:
                bins = logsumexp(np.append(found.columns, found.column_bin) + level)
                found.row_bin = float(np.log(m * each) - bins)
                mass += np.exp(level + found.row_bin + found.columns)
            found.columns += np.log(each) - np.log(np.maximum(mass, _LEAST))
            if dustbin is not None:
                bins = logsumexp(np.append(found.rows, found.row_bin) + level)
                found.column_bin = float(np.log(n) - bins)
    return found


def _balancing(
    rows: Singles, columns: Singles, found: Potentials, to_bin: Floats, held: Singles, *, first: bool
) -> Callable[[], Strip]:
    """Give what brings a strip of rows to the mass 1 and adds up its columns."""
    tiles = [slice(start, start + _COLUMNS) for start in range(0, len(columns), _COLUMNS)]
    turned = [np.ascontiguousarray(columns[tile].T) for tile in tiles]

    def worker() -> Strip:
        plan = [np.empty((_ROWS, each.shape[1]), np.float32) for each in turned]

        def balance(start: int, stop: int) -> None:
            asking, count = rows[start:stop].copy(), stop - start
            highest = np.zeros(count)
            if first:  # later, no share of a plan is above 1
                tops = [np.matmul(asking, each, out=part[:count]).max(axis=1)
                        for each, part in zip(turned, plan, strict=True)]  # fmt: skip
                highest = np.max(tops, axis=0).astype(np.float64)
                asking[:, -2] -= highest.astype(np.float32)  # the coordinate of the row's potential
            taken = np.exp(to_bin[start:stop] - highest)
            for each, part in zip(turned, plan, strict=True):  # a tile is exponentiated while in cache
                tile = np.matmul(asking, each, out=part[:count])
                np.exp(tile, out=tile)
                taken += tile.sum(axis=1)
            found.rows[start:stop] -= np.log(taken) + highest
            share = (1 / taken).astype(np.float32)
            for tile_of, part in zip(tiles, plan, strict=True):
                np.matmul(share, part[:count], out=held[start // _ROWS, tile_of])

        return balance

    return worker
