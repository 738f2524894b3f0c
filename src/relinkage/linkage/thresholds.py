"""Thresholds of the open set: the lowest at which half of the patients keeps to a rate of false claims."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.claims import mean_absent_claims
from relinkage.linkage.open_set_rows import Score
from relinkage.linkage.score_rows import ScoreRows
from relinkage.linkage.scores import TIE

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CURVE = 16
"""Thresholds of a detection error trade-off curve."""


@dataclass(frozen=True)
class Halves:
    """Patients dealt into two halves, and the queries of each that are looked at.

    Attributes:
        setting: int64: queries that set thresholds, of one half.
        measuring: int64: queries that are measured, of the other.
        all_measuring: int64: all queries of the measuring half.
    """

    setting: Ints
    measuring: Ints
    all_measuring: Ints

    @classmethod
    def deal(cls, patient: Ints, seed: int, most: int) -> "Halves":
        """Deal patients into halves and draw at most so many queries from each; all three ascend.

        Args:
            patient: int64, shape (q,): a number per patient.
            seed: of the deal and the draw.
            most: queries drawn from each half.
        """
        random = np.random.default_rng([seed, 5])
        patients, which = np.unique(patient, return_inverse=True)
        second = np.zeros(len(patients), bool)
        second[random.permutation(len(patients))[: len(patients) // 2]] = True
        setting, measuring = (np.flatnonzero(side[which.ravel()]) for side in (~second, second))
        drawn = [np.sort(random.permutation(half)[:most]) for half in (setting, measuring)]
        return cls(drawn[0], drawn[1], measuring)


@dataclass(frozen=True)
class Setting:
    """One score in pools of one size, on the half of the patients that sets thresholds.

    Attributes:
        score: what is compared with the threshold.
        rows: the distractors' scores.
        drawn: int64, shape (n,): distractors that each query meets where its mate is absent.
        temperature: of the posterior.
    """

    score: Score
    rows: ScoreRows
    drawn: Ints
    temperature: float

    @cached_property
    def rate(self) -> Callable[[float], float]:
        """The mean rate of false claims at a threshold; it falls."""
        return cache(mean_absent_claims(self.rows, self.score, self.drawn, self.temperature))

    def curve(self, most: float, least: float) -> Floats:
        """Give evenly spaced thresholds, from a rate of `most` down to one of `least`."""
        if self.score == "margin":  # slow to ask: no bisection of all that a margin can be
            usual = max(float(np.median(self.rows.top[:, 0] - self.rows.top[:, 1])), 1e-9)
            step = usual * 2 ** np.ceil(np.log2(4 / usual))  # beyond every margin, where asking is cheap
            while step > usual and self.rate(step / 2) <= least:
                step /= 2
            return np.linspace(TIE, step, CURVE)
        reach = 1 + 1e-9 if self.score == "cosine" else 2 / self.temperature + 50
        ends = [lowest_threshold(self.rate, (-reach, reach), rate, reach * 1e-10) for rate in (most, least)]
        return np.linspace(ends[0], ends[1], CURVE)

    def thresholds(self, curve: Floats, rates: Sequence[float]) -> list[float]:
        """Find the lowest threshold that keeps to each rate, between those of the curve."""
        ends = curve.tolist()
        found = []
        for rate in rates:
            place = bisect_left(ends[:-1], -(rate + _ROUNDING), key=lambda end: -self.rate(end))
            between = ends[max(place - 1, 0)], ends[place]
            steps = 2.0**8 if self.score == "margin" else 2.0**40
            at = lowest_threshold(self.rate, between, rate, (between[1] - between[0]) / steps)
            # Half a tie above the score that broke the rate, so that a product's last bit decides nothing.
            half_a_tie = {"cosine": TIE / 2, "margin": 0.0, "posterior": TIE / 2 / self.temperature}
            found.append(at + half_a_tie[self.score])
        return found


_ROUNDING = 1e-12
"""A mean that exceeds a rate by no more keeps it."""


def lowest_threshold(
    rate_at: Callable[[float], float], between: tuple[float, float], rate: float, precision: float
) -> float:
    """Find the lowest threshold at which a falling rate is at most `rate`, to a precision.

    Args:
        rate_at: the rate at a threshold.
        between: where to look; the first is the answer if the rate is kept there, the last must keep it.
        rate: the rate to keep.
        precision: how far above the lowest threshold the answer may lie.
    """
    low, high = between
    if rate_at(low) <= rate + _ROUNDING:
        return low
    while high - low > precision and low < (middle := (low + high) / 2) < high:
        if rate_at(middle) <= rate + _ROUNDING:
            high = middle
        else:
            low = middle
    return high
