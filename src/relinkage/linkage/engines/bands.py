"""The width of the band in which single precision may not decide, and why it is wide enough.

Let x = â − a₀ and y = b̂ − c₀ be the centred unit vectors, x̃ and ỹ their float32 roundings with residues
e_x = ‖x − x̃‖ and e_y, g = â·c₀ and h = b̂·a₀ − a₀·c₀. Then cos(a, b) = x·y + h + g exactly (THEORY 10).

A float32 product p of x̃ and ỹ, summed in any order, with or without fused multiply-add, obeys
|p − x̃·ỹ| ≤ γ_d ‖x̃‖‖ỹ‖ with γ_d = d·u / (1 − d·u), u = 2⁻²⁴ (Higham 2002, section 3.1, and
Cauchy-Schwarz), and |x̃·ỹ − x·y| ≤ e_x ‖ỹ‖ + ‖x‖ e_y. Rounding h to float32 costs u|h|, adding it costs
u(|p| + |h|)(1 + u). With X, Y upper bounds of ‖x‖ + e_x and ‖y‖ + e_y, and H of |h|, every
q = fl(p + fl(h)) obeys

    |q − (x·y + h)| ≤ e_x Y + X e_y + (d + 2) u / (1 − (d + 2) u) · X Y + 3 u H.

Where the processor multiplies bfloat16, x̃ and ỹ are numbers that bfloat16 holds. The residues are then larger
and the products of terms exact in float32; γ is doubled, as those instructions need not round to nearest
at every step. Whatever the product is really made with, it is no less exact than that.

A slack of 2⁻⁴⁵ + 8 (d + 4) 2⁻⁵³ is added for float32 underflow (at most d·2⁻¹²⁶) and for the float64
rounding of x, y, h, g and the mate's score (each below (d + 4)·2⁻⁵³).
"""

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.engines.centred import Centred
from relinkage.linkage.scores import TIE

_U = 2.0**-24


def half_width(
    queries: Centred, candidates: Centred, candidate_shift: NDArray[np.float64], *, bfloat: bool = False
) -> NDArray[np.float64]:
    """Bound the error of q for every query against any candidate (module docstring): float64, shape (n,)."""
    d = queries.values.shape[1]
    roundings = (2 if bfloat else 1) * (d + 2)
    gamma = roundings * _U / (1 - roundings * _U)
    X = queries.norm + queries.residue
    Y = float((candidates.norm + candidates.residue).max())
    H = float(np.abs(candidate_shift).max())
    return queries.residue * Y + X * float(candidates.residue.max()) + gamma * X * Y + 3 * _U * H + slack(d)


def slack(d: int) -> float:
    """Give what every engine adds for float64 rounding and underflow at width d (module docstring)."""
    return 2.0**-45 + 8 * (d + 4) * 2.0**-53


def bands(
    threshold: NDArray[np.float64], width: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give the values of q that are left undecided, low ≤ q ≤ high, rounded outwards; ties lie inside.

    Args:
        threshold: float64, shape (n,): the mate's score on the scale of q.
        width: float64, shape (n,): the error bound of q.
    """
    low, high = threshold - TIE - width, threshold + TIE + width
    return _outwards(low, -np.inf), _outwards(high, np.inf)


def _outwards(value: NDArray[np.float64], towards: float) -> NDArray[np.float32]:
    return np.nextafter(value.astype(np.float32), np.float32(towards))
