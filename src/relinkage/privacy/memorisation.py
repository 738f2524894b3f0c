"""How much better patients who trained heads are linked than patients who did not, chosen by coin."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.estimates import Difference, Estimate
from relinkage.linkage.settings import Resampling
from relinkage.linkage.uncertainty import (
    ClusterBootstrap,
    Ends,
    Estimates,
    expanded_percentiles,
    recovered_difference,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_SIGNS = np.array([1.0, -1.0, -1.0, 1.0])
"""What memorisation is made of: trained and held out under the heads, and the same under the published."""


@dataclass(frozen=True)
class Gap:
    """How linkage of those who trained heads differs from that of the others, in one cell.

    Attributes:
        trained: mean hit of queries whose patient trained the heads.
        held_out: mean hit of the others.
        gap: trained less held out.
        published_gap: the same gap under the published heads: the luck of the coins.
        memorised: gap less that.
        by_coin: `memorised` of each training.
        queries: queries on both sides, over all trainings.
        patients: patients on both sides.
        least: lower end of `trained`, at a level for a bound that several cells are held to.
        most: upper end of `held_out` at that level.
    """

    trained: Estimate
    held_out: Estimate
    gap: Difference
    published_gap: Difference
    memorised: Difference
    by_coin: tuple[float, ...]
    queries: int
    patients: int
    least: float
    most: float


def gaps(
    hits: Floats, published: Floats, inside: Bools, patient: Ints, resampling: Resampling, strict: float
) -> list[Gap]:
    """Measure memorisation in every cell, the trainings taken together.

    Intervals draw patients with replacement, each with the coins of all trainings; the heads are held fixed.
    Where fewer than ten hits or misses stand behind a share, those of differences come from the shares' own.

    Args:
        hits: float64, shape (coins, queries, cells): expected hits under the heads of each training, NaN
            where a query has no value.
        published: float64, shape (queries, cells): the same under heads that saw both halves or neither.
        inside: bool, shape (coins, queries): whether each query's patient trained the heads.
        patient: int64, shape (queries,): a number per patient.
        resampling: how intervals are made.
        strict: the level of `least` and `most`.
    """
    coins, _, cells = hits.shape
    both = (inside[:, :, None], ~inside[:, :, None])
    sides = [np.where(chosen, each, np.nan) for each in (hits, published[None]) for chosen in both]
    by_coin = np.stack([np.nanmean(side, axis=1) for side in sides]).transpose(1, 2, 0) @ _SIGNS
    values = np.concatenate([side.reshape(-1, cells) for side in sides], axis=1)
    drawn = ClusterBootstrap.draw(values, np.tile(patient, coins), resampling.replicates, resampling.seed)
    shown, wide = drawn.interval(resampling.interval), drawn.interval(strict)
    out = []
    for cell in range(cells):
        places = cell + cells * np.arange(4)
        trained, held_out, *before = (_ends(shown, place) for place in places.tolist())
        parts = None if drawn.few[places].any() else drawn.replicates[:, places]
        widening = float(drawn.effective_patients[places].min()), resampling.interval
        gap = _difference(held_out, trained, parts, _SIGNS * [1, 1, 0, 0], *widening)
        published_gap = _difference(before[1], before[0], parts, -_SIGNS * [0, 0, 1, 1], *widening)
        out.append(
            Gap(
                trained=_estimate(trained),
                held_out=_estimate(held_out),
                gap=_shown(gap),
                published_gap=_shown(published_gap),
                memorised=_shown(_difference(published_gap, gap, parts, _SIGNS, *widening)),
                by_coin=tuple(by_coin[:, cell].tolist()),
                queries=int((~np.isnan(hits[:, :, cell])).sum()),
                patients=len(np.unique(patient[~np.isnan(published[:, cell])])),
                least=float(wide.low[places[0]]),
                most=float(wide.high[places[1]]),
            )
        )
    return out


def most_by_privacy(share: float, epsilon: float, delta: float) -> float:
    """Return what (ε, δ)-differential privacy lets a share be of patients who trained, at most.

    With a patient's coin tossed apart from all others, P[E | trained] ≤ e^ε · P[E | not] + δ holds for every
    event E that follows from the heads (Dwork & Roth 2014, definition 2.4), and so for means over patients.

    Args:
        share: of patients who did not train.
        epsilon: ε.
        delta: δ.

    Examples:
        >>> round(most_by_privacy(0.01, 0.34, 6e-6), 6)
        0.014055
    """
    return min(math.exp(min(epsilon, 700.0)) * share + delta, 1.0)


def _difference(
    first: Ends, last: Ends, parts: Floats | None, signs: Floats, patients: float, level: float
) -> Ends:
    """Give last less first, from replicates, or from the intervals of both where there are none."""
    value = last[0] - first[0]
    if parts is None:
        return (value, *recovered_difference(first, last))
    return (value, *expanded_percentiles(parts @ signs, value, patients, level))


def _ends(shown: Estimates, place: int) -> Ends:
    return float(shown.mean[place]), float(shown.low[place]), float(shown.high[place])


def _estimate(ends: Ends) -> Estimate:
    return Estimate(value=ends[0], low=ends[1], high=ends[2])


def _shown(ends: Ends) -> Difference:
    value, low, high = (min(max(end, -1.0), 1.0) for end in ends)
    return Difference(value=value, low=low, high=high)
