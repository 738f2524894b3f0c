"""Vectors rounded for the native products, and how far the scores they give can be from the true ones.

As in `bands`, x = â − a₀ and y = b̂ − c₀ are the centred unit vectors, h = b̂·a₀ − a₀·c₀, g = â·c₀, and
cos(a, b) = x·y + h + g (THEORY 10). x̃ and ỹ are what is packed, with residues e_x = ‖x − x̃‖ and e_y;
X and Y bound ‖x‖ + e_x and ‖y‖ + e_y, and H and G bound |h| and |g|. Then

    |x̃·ỹ − x·y| = |(x̃ − x)·ỹ + x·(ỹ − y)| ≤ e_x Y + X e_y.

**Integers.** x̃ = s_x·i and ỹ = s_y·j with vectors i and j of int16; h is rounded to a whole number of steps
s = s_x s_y, which costs s/2, and so is g where columns ask. The rest is exact as long as no int32
overflows. Every partial sum, over any subset of terms, is the product of parts of i and j, so by
Cauchy-Schwarz it is at most ‖i‖‖j‖ ≤ (X/s_x + √d/2)(Y/s_y + √d/2). With L = X/s_x = Y/s_y, so that
s = XY/L², nothing overflows where

    (L + √d/2)² + (H + G)/s + 2 < 2³¹,    that is    (1 + ρ) L² + √d L + d/4 + 2 < 2³¹,  ρ = (H + G)/(XY).

`steps` takes the largest such L, or less where a single term would not fit into int16. The bound does not
fall with the width d: it is the norms that count. So every score is within e_x Y + X e_y + s/2 (+ s/2 where
columns ask) of the true one.

**bfloat16.** The products of two bfloat16 are exact in float32, and a sum that starts at h of d of them in
any order is within γ·(XY + H) of the exact one, γ = (2d + 8)u / (1 − (2d + 8)u), u = 2⁻²⁴, twice what
rounding to nearest needs. Numbers below 2⁻¹²⁶ are taken for zero, at most 3d times: less than 2⁻¹⁰⁰.
Adding g where columns ask costs another u(XY + H + G) + uG.

The slack of `bands` is added for the float64 rounding of x, y, h, g, the thresholds and the mate's score.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.engines.bands import slack
from relinkage.linkage.scores import TIE

_U = 2.0**-24
_TOP = 2**31 - 1
_LARGEST_TERM = 32766

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rounded:
    """One side, rounded and packed as work.h lays it out.

    Attributes:
        packed: uint16: the terms, int16 or bfloat16.
        norm: float64, shape (n,): ‖x‖, rounded up.
        residue: float64, shape (n,): e_x, rounded up.
        shift: float64, shape (n,): h of columns, g of rows.
        step: what one unit of a packed integer is worth; 1 for bfloat16.
        dimension: terms of a vector.
    """

    packed: NDArray[np.uint16]
    norm: Floats
    residue: Floats
    shift: Floats
    step: float
    dimension: int

    @property
    def reach(self) -> float:
        """X or Y: a bound of the norms, before and after rounding."""
        return float((self.norm + self.residue).max())


def steps(
    norms: tuple[float, float], largest: tuple[float, float], shifts: float, d: int
) -> tuple[float, float]:
    """Choose what one unit of each side's integers is worth, as fine as int32 and int16 bear.

    Args:
        norms: a bound of ‖x‖ and one of ‖y‖.
        largest: the largest |term| of x and of y.
        shifts: H + G.
        d: terms of a vector.
    """
    # A bound far below any that matters keeps the quotients finite where a side is nothing but its centre.
    norms = max(norms[0], 1e-30), max(norms[1], 1e-30)
    room = _TOP - 8 - d / 4
    heavy = 1 + shifts / (norms[0] * norms[1])
    # The larger root of heavy·L² + √d·L = room, in the form that does not cancel.
    length = 2 * room / (np.sqrt(d) + np.sqrt(d + 4 * heavy * room)) * (1 - 1e-9)
    rows, columns = (max(n / length, t / _LARGEST_TERM) for n, t in zip(norms, largest, strict=True))
    return float(rows), float(columns)


def integer_width(asking: Rounded, asked: Rounded, added: int) -> Floats:
    """Bound the error of integer scores: float64, shape (n,), for every vector that asks.

    Args:
        asking: the side that asks.
        asked: the other side.
        added: how many shifts were rounded into the score: h, or h and g where columns ask.
    """
    step = asking.step * asked.step
    return _residues(asking, asked) + added * 0.5 * step * (1 + 1e-9)


def bfloat_width(asking: Rounded, asked: Rounded, shift: float, added: float) -> Floats:
    """Bound the error of bfloat16 scores: float64, shape (n,), for every vector that asks.

    Args:
        asking: the side that asks.
        asked: the other side.
        shift: H.
        added: G where columns ask, 0 where rows do.
    """
    d = asking.dimension
    gamma = (2 * d + 8) * _U / (1 - (2 * d + 8) * _U)
    most = (asking.norm + asking.residue) * asked.reach + shift
    return _residues(asking, asked) + gamma * most + 2 * _U * (most + added) + 2.0**-100


def _residues(asking: Rounded, asked: Rounded) -> Floats:
    X = asking.norm + asking.residue
    return asking.residue * asked.reach + X * float(asked.residue.max()) + slack(asking.dimension)


def integer_band(
    threshold: Floats, width: Floats, step: float
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Give the integers between which a score is open, low < q ≤ high, rounded outwards; ties lie inside.

    Args:
        threshold: float64, shape (n,): the mate's score on the scale of the scores.
        width: float64, shape (n,): the error bound.
        step: what one unit of a score is worth.
    """
    low = np.floor((threshold - TIE - width) / step) - 1
    high = np.ceil((threshold + TIE + width) / step)
    return _fitting(low), _fitting(high)


def _fitting(ends: Floats) -> NDArray[np.int32]:
    return np.clip(ends, -_TOP - 1, _TOP).astype(np.int32)
