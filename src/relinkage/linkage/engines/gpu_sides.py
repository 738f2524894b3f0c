"""Vectors on a device: centred and rounded to half precision, and the bands that this rounding asks for.

As `bands`, but for matrix units that take float16 and add in single precision. Let x = â − a₀ and y = b̂ − c₀
be the centred unit vectors, s and t powers of two, x̃ = round16(s·x)/s and ỹ = round16(t·y)/t with residues
e_x = ‖x − x̃‖ and e_y, g = â·c₀ and h = b̂·a₀ − a₀·c₀. Then cos(a, b) = x·y + h + g exactly (THEORY 10).

**The product.** A product of two float16 numbers has 22 bits and is exact. A matrix unit adds N products to
an accumulator at once: it cuts (or rounds) each number to a multiple of 2⁻²³ of the leading power of two of
the largest, or finer, adds them exactly, and cuts the sum to 24 bits (Fasi, Higham, Mikaitis, Pranesh 2021,
for three generations; Khattak, Mikaitis 2025, arXiv 2512.07004, for later ones).
Let the accumulator begin at c, u = 2⁻²⁴, P = |c| + Σ|x̃ₖỹₖ| ≤ |c| + ‖x̃‖‖ỹ‖, and E the error so far. The
N + 1 numbers are each at most P + E; the largest is not cut, so at most N lose less than 2u(P + E) each, and
the cut of the sum, which is at most (1 + 2Nu)(P + E), loses 2u of it:

    P + E' ≤ (1 + 2Nu)(1 + 2u)(P + E).

After d'/N steps, d' being the padded width, E ≤ (exp(2u·d'(1 + 1/N)) − 1)·P ≤ (exp(4u·d') − 1)·P for
every N ≥ 1. IEEE additions in any order (N = 1, half the loss) obey it too, and so does adding c last. No
product underflows: entries are zero or at least 2⁻¹⁴ after scaling, because smaller ones are set to zero and
their loss is in the residue.

**The distance** from the mate's score r is x·y + h − t with t = r − g. What is computed is q = fl(p + fl(h)),
p being the product, and it is compared with t: fl(h) is within u|h| of h, and one IEEE addition loses as much
as u of what it adds up. With exp(v) − 1 ≤ v / (1 − v), X and Y upper bounds of ‖x‖ + e_x and ‖y‖ + e_y, and H
of |h|, every computed q obeys

    |q − (x·y + h)| ≤ e_x Y + X e_y + γ (X Y + H + |t|) + 4 u (H + |t|),    γ = v / (1 − v),  v = (4d' + 4) u,

where |t| is more than is needed, and the same slack as in `bands` covers float64. Where v ≥ 1/2 the band is
infinite: all pairs are settled. A pair is above where q exceeds t by this bound and the width of a tie, below
where t exceeds q so, and undecided else; both ends of the band are rounded away from t.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from relinkage.linkage.scores_and_ties import TIE
from relinkage.linkage.vectors import Vectors

_U = 2.0**-24
_PIECE = 2**26
"""Bytes of float64 that are worked on, and of given vectors that are uploaded, at a time."""
_LEAST_NORMAL = 2.0**-14


@dataclass(frozen=True, eq=False)
class Side:
    """One side of a block on the device, n vectors.

    Attributes:
        given: float32 or float64, shape (n, d): the vectors as given.
        inverse_norm: float64, shape (n,).
        identity: int64, shape (n,).
        halves: float16, shape (n, padded d): round(scale · (v̂ − centre)), 0 where padded.
        scale: a power of two.
        norm: float64, shape (n,): ‖v̂ − centre‖, rounded up.
        residue: float64, shape (n,): ‖(v̂ − centre) − halves / scale‖, rounded up.
        shift: float64, shape (n,): v̂ · (the other side's centre).
    """

    given: Tensor
    inverse_norm: Tensor
    identity: Tensor
    halves: Tensor
    scale: float
    norm: Tensor
    residue: Tensor
    shift: Tensor

    def __len__(self) -> int:
        return len(self.given)


def padded(d: int) -> int:
    """Return the width of d dimensions in whole steps of the matrix units."""
    return -(-d // 16) * 16


def bytes_each(vectors: Vectors) -> int:
    """Give how much of the device's memory a vector takes."""
    return vectors.dimension * vectors.given.itemsize + 2 * padded(vectors.dimension) + 64


def bring(
    vectors: Vectors,
    centre: NDArray[np.float64],
    other_centre: NDArray[np.float64],
    device: torch.device,
) -> Side:
    """Bring vectors to a device, centre them there and round them to half precision."""
    n, d = vectors.given.shape
    given = upload(vectors.given, device)
    inverse_norm, identity = upload(vectors.inverse_norm, device), upload(vectors.identity, device)
    middle, other = upload(centre, device), upload(other_centre, device)
    piece = max(1, _PIECE // (8 * d))
    blocks = [slice(start, start + piece) for start in range(0, n, piece)]

    def unit(block: slice) -> Tensor:
        return given[block].double() * inverse_norm[block, None]

    largest = max(float((unit(block) - middle).abs().max()) for block in blocks)
    # Entries below 2¹⁵ are far from overflow; past 2⁴⁰ there is nothing left that a product could tell.
    scale = 2.0 ** min(15 - math.frexp(largest)[1], 40)
    halves = torch.zeros((n, padded(d)), dtype=torch.float16, device=device)
    norm, residue, shift = (torch.empty(n, dtype=torch.float64, device=device) for _ in range(3))
    up = 1 + 1e-9 + d * 2.0**-52  # above the relative error of a float64 norm of d terms in any order
    for block in blocks:
        exact = unit(block)
        shift[block] = exact @ other
        exact -= middle
        rounded = (exact * scale).half()
        rounded[rounded.abs() < _LEAST_NORMAL] = 0
        halves[block, :d] = rounded
        norm[block] = torch.linalg.vector_norm(exact, dim=1) * up
        residue[block] = torch.linalg.vector_norm(exact - rounded.double() / scale, dim=1) * up
    return Side(given, inverse_norm, identity, halves, scale, norm, residue, shift)


def product_bound(width: int) -> float:
    """Bound the error of a product of `width` terms, and of one addition to it, by this times Σ|x̃ₖỹₖ|."""
    v = (4 * width + 4) * _U
    return v / (1 - v) if v < 0.5 else math.inf


def half_width(rows: Side, columns: Side, column_shift: Tensor, threshold: Tensor) -> Tensor:
    """Bound the error of q for every row against any column (module docstring).

    Args:
        rows: the side that asks, n vectors.
        columns: the side asked about, m vectors.
        column_shift: float64, shape (m,): h.
        threshold: float64, shape (n,): t; +infinity for a row that asks nothing, whose bound is 0.

    Returns:
        float64, shape (n,).
    """
    d, width = rows.given.shape[1], rows.halves.shape[1]
    X, Y = rows.norm + rows.residue, float((columns.norm + columns.residue).max())
    begin = float(column_shift.abs().max()) + threshold.abs()
    rounding = rows.residue * Y + X * float(columns.residue.max())
    slack = 2.0**-45 + 8 * (d + 4) * 2.0**-53
    bound = rounding + product_bound(width) * (X * Y + begin + slack) + 4 * _U * begin + slack
    return bound.masked_fill(threshold.isinf(), 0)


def bands(rows: Side, columns: Side, mate_score: Tensor, centres: float) -> tuple[Tensor, Tensor, Tensor]:
    """Give what is added to products, and the band in which they decide nothing, all times both scales.

    Args:
        rows: the side that asks.
        columns: the side asked about.
        mate_score: float64, shape (rows,): +infinity for a row that asks nothing.
        centres: a₀·c₀.

    Returns:
        float32: the columns' shifts h, shape (columns,), and the lower and the upper end of each row's band,
        shape (rows,), rounded outwards.
    """
    shift, threshold = columns.shift - centres, mate_score - rows.shift
    width = half_width(rows, columns, shift, threshold) + TIE
    scale = rows.scale * columns.scale
    ends = [(end * scale).float() for end in (threshold - width, threshold + width)]
    outwards = (torch.full_like(ends[0], -math.inf), torch.full_like(ends[1], math.inf))
    low, high = (torch.nextafter(end, far) for end, far in zip(ends, outwards, strict=True))
    # A row that asks nothing has +infinity at both ends: nothing is above it, and nothing is undecided.
    low = low.masked_fill(threshold.isinf(), math.inf)
    return (shift * scale).float(), low, high


def upload(
    array: NDArray[np.float64] | NDArray[np.float32] | NDArray[np.int64], device: torch.device
) -> Tensor:
    """Copy an array to a device in pieces, through page-locked memory where the device is not a processor."""
    out = torch.empty(array.shape, dtype=torch.from_numpy(array[:0].copy()).dtype, device=device)
    piece = max(1, _PIECE // max(1, array[:1].nbytes))
    for start in range(0, len(array), piece):
        part = torch.from_numpy(np.ascontiguousarray(array[start : start + piece]))
        out[start : start + piece].copy_(part.pin_memory() if device.type == "cuda" else part)
    return out
