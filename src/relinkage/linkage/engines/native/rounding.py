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

**Two digits.** Where 8-bit integers are multiplied (AMX), i = 2⁷p + q with −64 ≤ q < 64, and j = 2⁷p' + q'
likewise. Two int32 sums are made, p·p' and h + p·q' + q·p'; the score is 2⁷ times the first and the second,
in units of 2⁷s. What is left out is q·q': by Cauchy-Schwarz at most ‖q‖‖q'‖, and every vector's own norm is
known. int32 sums wrap, so that only the score itself must fit. It is

    (i·j − q·q') / 2⁷ + h / (2⁷s),    and    (L + √d/2)² + 2¹²d + (H + G)/s < 2⁷ (2³¹ − 2)

is enough, as ‖q‖‖q'‖ ≤ 2¹²d. That seldom binds, as a high digit of 8 bits asks for |i| < 2¹⁴ or nearly. So
every score is within e_x Y + X e_y + s‖q‖‖q'‖ + 2⁷s/2 (2⁷s where columns ask) of the true one.

The slack of `bands` is added for the float64 rounding of x, y, h, g, the thresholds and the mate's score.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.engines.bands import slack
from relinkage.linkage.scores_and_ties import TIE

_TOP = 2**31 - 1
_LARGEST_TERM = {1: 32766, 2: 127 * 128 + 62}
UNIT = {1: 1, 2: 2**7}
"""What one unit of a score is worth, in steps of both sides, by the number of digits of a term."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rounded:
    """One side, rounded and packed as work.h lays it out.

    Attributes:
        packed: uint16: the terms, each an int16 or two int8.
        norm: float64, shape (n,): ‖x‖, rounded up.
        residue: float64, shape (n,): e_x, rounded up.
        low: float64, shape (n,): s_x‖q‖, rounded up; 0 where terms have one digit.
        shift: float64, shape (n,): h of columns, g of rows.
        step: what one unit of a packed integer is worth.
        dimension: terms of a vector.
    """

    packed: NDArray[np.uint16]
    norm: Floats
    residue: Floats
    low: Floats
    shift: Floats
    step: float
    dimension: int

    @property
    def reach(self) -> float:
        """X or Y: a bound of the norms, before and after rounding."""
        return float((self.norm + self.residue).max())


def steps(
    norms: tuple[float, float], largest: tuple[float, float], shifts: float, d: int, digits: int = 1
) -> tuple[float, float]:
    """Choose what one unit of each side's integers is worth, as fine as a score and a term can bear.

    Args:
        norms: a bound of ‖x‖ and one of ‖y‖.
        largest: the largest |term| of x and of y.
        shifts: H + G.
        d: terms of a vector.
        digits: of a term.
    """
    # A bound far below any that matters keeps the quotients finite where a side is nothing but its centre.
    norms = max(norms[0], 1e-30), max(norms[1], 1e-30)
    room = UNIT[digits] * (_TOP - 8) - d / 4 - (2**12 * d if digits == 2 else 0)
    heavy = 1 + shifts / (norms[0] * norms[1])
    # The larger root of heavy·L² + √d·L = room, in the form that does not cancel.
    length = 2 * room / (np.sqrt(d) + np.sqrt(d + 4 * heavy * room)) * (1 - 1e-9)
    rows, columns = (max(n / length, t / _LARGEST_TERM[digits]) for n, t in zip(norms, largest, strict=True))
    return float(rows), float(columns)


def half_width(asking: Rounded, asked: Rounded, rounded: float) -> Floats:
    """Bound the error of scores: float64, shape (n,), for every vector that asks.

    Args:
        asking: the side that asks.
        asked: the other side.
        rounded: what rounding the shifts to whole units costs.
    """
    X = asking.norm + asking.residue
    residues = asking.residue * asked.reach + X * float(asked.residue.max())
    left_out = asking.low * float(asked.low.max())
    return residues + left_out + rounded * (1 + 1e-9) + slack(asking.dimension)


def band(threshold: Floats, width: Floats, unit: float) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Give the integers between which a score is open, low < q ≤ high, rounded outwards; ties lie inside.

    Args:
        threshold: float64, shape (n,): the mate's score on the scale of the scores.
        width: float64, shape (n,): the error bound.
        unit: what one unit of a score is worth.
    """
    low = np.floor((threshold - TIE - width) / unit) - 1
    high = np.ceil((threshold + TIE + width) / unit)
    return _fitting(low), _fitting(high)


def _fitting(ends: Floats) -> NDArray[np.int32]:
    return np.clip(ends, -_TOP - 1, _TOP).astype(np.int32)
