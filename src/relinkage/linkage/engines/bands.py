"""The width of the band in which single precision may not decide, and why it is wide enough.

Let x = â − a₀ and y = b̂ − c₀ be the centred unit vectors, x̃ and ỹ their float32 roundings with residues
e_x = ‖x − x̃‖ and e_y, g = â·c₀ and h = b̂·a₀ − a₀·c₀. Then cos(a, b) = x·y + h + g exactly (THEORY 10).

A float32 product p of x̃ and ỹ, summed in any order, with or without fused multiply-add, obeys
|p − x̃·ỹ| ≤ γ_d ‖x̃‖‖ỹ‖ with γ_d = d·u / (1 − d·u), u = 2⁻²⁴ (Higham 2002, section 3.1, and
Cauchy-Schwarz), and |x̃·ỹ − x·y| ≤ e_x ‖ỹ‖ + ‖x‖ e_y. Rounding h to float32 costs u|h|, adding it costs
u(|p| + |h|)(1 + u). With X, Y upper bounds of ‖x‖ + e_x and ‖y‖ + e_y, and H of |h|, every
q = fl(p + fl(h)) obeys

    |q − (x·y + h)| ≤ w = e_x Y + X e_y + (d + 2) u / (1 − (d + 2) u) · X Y + 3 u H.

Where the processor multiplies bfloat16, x̃ and ỹ are numbers that bfloat16 holds. The residues are then larger
and the products of terms exact in float32; γ is doubled, as those instructions need not round to nearest
at every step. The sum p comes out rounded once more, to r = rd(p) of eight significant bits, and
q = fl(r + fl(h)). That would cost every pair v|p| with v = 2⁻⁸. But a band only has to hold around the mate's
score t, and there p is near t − h. Let a pair not score above the mate: x·y + h ≤ t (t less g, more the tie).
Then p ≤ z = t − h + E, where E is w without what rounding h and adding it cost. Rounding to nearest never
turns an order about, so r ≤ rd(z) ≤ z + v|z| + 2⁻¹³⁴, and

    q ≤ t + E + v Z + (what rounding h and adding it to r cost),    Z = max over h of |t − h|, plus w.

Also |p| ≤ P = (1 + 2γ) X Y whatever the pair, so r ≤ rd(P) too, and Z may be cut to P: z above P stands for
P, and z below −P leaves no such pair. Adding costs u(|r| + |h|)(1 + u), where w has counted |p| for |r|:
2 u v P more. So q does not exceed t by more than w' = w + v Z (1 + 2⁻⁸) + 2 u v P, and the band t ± w' holds.
A pair that does not score below the mate is not below the lower end for the same reason with all signs
turned, and columns that ask meet rows as rows meet columns. Z needs no more of h than its least and greatest.

A slack of 2⁻⁴⁵ + 8 (d + 4) 2⁻⁵³ is added for underflow in float32 and bfloat16, whether or not numbers below
2⁻¹²⁶ are taken as zero (at most 4d·2⁻¹²⁶), and for the float64 rounding of x, y, h, g and the mate's score
(each below (d + 4)·2⁻⁵³).
"""

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.engines.centred import Centred
from relinkage.linkage.scores_and_ties import TIE

Floats = NDArray[np.float64]

_U, _V = 2.0**-24, 2.0**-8


def half_width(
    queries: Centred, candidates: Centred, candidate_shift: Floats, threshold: Floats, *, bfloat: bool = False
) -> Floats:
    """Bound the error of q for every query: against any candidate, or in bfloat16 near the mate's score.

    Args:
        queries: n vectors.
        candidates: their candidates.
        candidate_shift: float64, h of each candidate.
        threshold: float64, shape (n,): the mate's score on the scale of q; infinite for what is not a query.
        bfloat: whether products are made in bfloat16 and rounded to it.

    Returns:
        w of the module's docstring, or w': float64, shape (n,).
    """
    d = queries.values.shape[1]
    gamma = _gamma(d, bfloat)
    X, Y = queries.norm + queries.residue, float((candidates.norm + candidates.residue).max())
    least, greatest = float(candidate_shift.min()), float(candidate_shift.max())
    H = max(-least, greatest)
    residues = queries.residue * Y + X * float(candidates.residue.max())
    width = residues + gamma * X * Y + 3 * _U * H + slack(d)
    if not bfloat:
        return width
    P = (1 + 2 * gamma) * X * Y
    Z = np.maximum(np.abs(threshold - least), np.abs(threshold - greatest)) + TIE + width
    return width + _V * np.minimum(Z, P) * (1 + _V) + 2 * _U * _V * P


def product_error(true: Floats, reach: Floats, d: int, *, bfloat: bool) -> Floats:
    """Bound how far products lie from those of the same numbers in float64.

    Args:
        true: x̃·ỹ in float64.
        reach: ‖x̃‖‖ỹ‖.
        d: their width.
        bfloat: whether they are rounded to bfloat16.
    """
    summed = _gamma(d, bfloat) * reach + slack(d) * (1 + reach)
    return summed + (_V * (np.abs(true) + summed) if bfloat else 0)


def slack(d: int) -> float:
    """Give what every engine adds for float64 rounding and underflow at width d (module docstring)."""
    return 2.0**-45 + 8 * (d + 4) * 2.0**-53


def bands(threshold: Floats, width: Floats) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give the values of q that are left undecided, low ≤ q ≤ high, rounded outwards; ties lie inside.

    Args:
        threshold: float64, shape (n,): the mate's score on the scale of q.
        width: float64, shape (n,): the error bound of q.
    """
    low, high = threshold - TIE - width, threshold + TIE + width
    return _outwards(low, -np.inf), _outwards(high, np.inf)


def _gamma(d: int, bfloat: bool) -> float:
    roundings = (2 if bfloat else 1) * (d + 2)
    return roundings * _U / (1 - roundings * _U)


def _outwards(value: Floats, towards: float) -> NDArray[np.float32]:
    return np.nextafter(value.astype(np.float32), np.float32(towards))
