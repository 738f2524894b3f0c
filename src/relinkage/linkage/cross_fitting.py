"""The open set cross-fitted: each half of the patients is measured at the threshold that the other half sets.

All that a half does is known on a grid of thresholds, summed by patient. Between two neighbours of the grid
the attacker takes the lower one for a share of his searches and the higher one for the rest, such that false
claims come at the rate exactly; so what is read off between them is not an approximation. Intervals draw the
patients of both halves with replacement and set both thresholds again in every replicate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.open_set_rows import share_right
from relinkage.linkage.settings import Resampling
from relinkage.linkage.uncertainty import (
    ClusterBootstrap,
    Estimates,
    draw_patients,
    evened,
    expanded_percentiles,
    patient_sums,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_CHUNK = 64
"""Replicates at a time."""
_ROUNDING = 1e-12
"""A mean that exceeds a rate by no more keeps it."""
TPIR, FPIR, WRONG = range(3)


@dataclass(frozen=True)
class Summed:
    """Figures of queries at every threshold of the grid, summed by patient.

    Attributes:
        patient: int64, shape (p,): the patients, as numbers of the whole cohort.
        sums: float64, shape (p, figures * thresholds).
        queries: float64, shape (p,): queries of each that the sums rest on.
    """

    patient: Ints
    sums: Floats
    queries: Floats

    @classmethod
    def of(cls, values: Floats, patient: Ints) -> "Summed":
        """Add up.

        Args:
            values: float64, shape (queries, figures * thresholds).
            patient: int64, shape (queries,): as numbers of the whole cohort.
        """
        sums, counts = patient_sums(values, patient)
        return cls(np.unique(patient), sums, counts[:, 0])

    def totals(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return sums and queries over patients, each taken as often as it was drawn, a row per replicate."""
        own = weights[:, self.patient]
        return own @ self.sums, own @ self.queries


@dataclass(frozen=True)
class Half:
    """What the queries of one half of the patients do.

    Attributes:
        right: right claims.
        false: claims where the mate is absent, then wrong claims where it is present; of fewer queries.
    """

    right: Summed
    false: Summed

    def totals(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return sums and queries over patients, each taken as often as it was drawn.

        Args:
            weights: float64, shape (replicates, patients of the cohort).

        Returns:
            Float64, shapes (3, replicates, thresholds) and (3, replicates).
        """
        right, of_right = self.right.totals(weights)
        both, of_both = self.false.totals(weights)
        absent, wrong = np.split(both, 2, axis=1)
        return np.stack([right, absent, wrong]), np.stack([of_right, of_both, of_both])

    @property
    def queries(self) -> tuple[Floats, Floats, Floats]:
        """Return the queries of each patient that the three figures rest on."""
        return self.right.queries, self.false.queries, self.false.queries


@dataclass(frozen=True)
class Reading:
    """What is read off at the thresholds that both halves set.

    Attributes:
        means: float64, shape (3, replicates, rates): TPIR, FPIR and wrong claims.
        thresholds: float64, shape (2, replicates, rates): what the first and the second half set.
    """

    means: Floats
    thresholds: Floats


def read_off(halves: tuple[Half, Half], grid: Floats, rates: Sequence[float], weights: Floats) -> Reading:
    """Set a threshold on each half and measure the other half at it.

    Args:
        halves: both halves.
        grid: float64, shape (thresholds,), ascending; no claim reaches the last one.
        rates: the rates of false claims.
        weights: shape (replicates, patients of the cohort): how often each patient counts.
    """
    totals = [half.totals(weights) for half in halves]
    with np.errstate(invalid="ignore", divide="ignore"):
        claimed = [sums[FPIR] / queries[FPIR][:, None] for sums, queries in totals]
        queries = totals[0][1] + totals[1][1]
        means = np.empty((3, len(weights), len(rates)))
        thresholds = np.empty((2, len(weights), len(rates)))
        for place, rate in enumerate(rates):
            measured = np.zeros((3, len(weights)))
            for half in range(2):
                lower, higher, share = _meeting(claimed[half], rate)
                other = totals[1 - half][0]
                row = np.arange(len(weights))
                measured += share * other[:, row, lower] + (1 - share) * other[:, row, higher]
                thresholds[half, :, place] = share * grid[lower] + (1 - share) * grid[higher]
            means[:, :, place] = measured / queries
    return Reading(means, thresholds)


def _meeting(claimed: Floats, rate: float) -> tuple[Ints, Ints, Floats]:
    """Return where falling rates of false claims meet a rate: two neighbours, and the share of the lower one.

    Args:
        claimed: float64, shape (replicates, thresholds).
        rate: the rate.
    """
    higher = (claimed <= rate + _ROUNDING).argmax(axis=1)
    lower = np.maximum(higher - 1, 0)
    row = np.arange(len(claimed))
    gap = claimed[row, lower] - claimed[row, higher]
    share = np.where(gap > 0, np.clip((rate - claimed[row, higher]) / gap, 0, 1), 0.0)
    # Where no patient of a half was drawn, nothing is known.
    return lower, higher, np.where(np.isnan(claimed[:, 0]), np.nan, share)


@dataclass(frozen=True)
class CrossFitted:
    """Figures at each rate of false claims, and the same in every replicate.

    Attributes:
        point: from all patients, one replicate.
        drawn: from drawn patients.
        queries: float64, shape (3,): queries that TPIR, FPIR and wrong claims rest on.
        patients: int64, shape (3,): patients of these.
        effective_patients: float64, shape (3,): as many patients with equally many queries tell as much.
    """

    point: Reading
    drawn: Reading
    queries: Floats
    patients: Ints
    effective_patients: Floats

    @classmethod
    def of(
        cls, halves: tuple[Half, Half], grid: Floats, rates: Sequence[float], patients: int, how: Resampling
    ) -> "CrossFitted":
        """Measure, and draw patients again and again.

        Args:
            halves: both halves.
            grid: thresholds.
            rates: the rates of false claims.
            patients: of the whole cohort, so that draws are those of the other figures.
            how: replicates and seed.
        """
        stream = np.random.SeedSequence(how.seed).generate_state(1, np.uint64)[0]
        parts = []
        for first in range(0, how.replicates, _CHUNK):
            weights = np.empty((min(_CHUNK, how.replicates - first), patients), np.uint8)
            draw_patients(stream, first, weights)
            parts.append(read_off(halves, grid, rates, weights.astype(np.float64)))
        drawn = Reading(
            np.concatenate([part.means for part in parts], axis=1),
            np.concatenate([part.thresholds for part in parts], axis=1),
        )
        everyone = np.ones((1, patients))
        each = [np.concatenate(both) for both in zip(*(half.queries for half in halves), strict=True)]
        return cls(
            read_off(halves, grid, rates, everyone),
            drawn,
            np.array([queries.sum() for queries in each]),
            np.array([len(queries) for queries in each]),
            np.array([evened(queries[:, None])[0] for queries in each]),
        )

    def bootstrap(self, kind: int) -> ClusterBootstrap:
        """Return TPIR, FPIR or wrong claims with their replicates, a cell per rate."""
        means, drawn = self.point.means[kind, 0], self.drawn.means[kind]
        variance = np.nanvar(drawn, axis=0, ddof=1)
        # Where not one whole hit or miss was seen, how hits cluster within patients is not known either.
        known = (variance > 0) & (self.queries[kind] * np.minimum(means, 1 - means) >= 1)
        effective = np.full(len(means), self.effective_patients[kind])
        informed = means[known] * (1 - means[known]) / variance[known]
        effective[known] = np.minimum(informed, self.queries[kind])
        return ClusterBootstrap(
            means=means,
            replicates=drawn,
            patients=np.full(len(means), self.patients[kind]),
            effective_patients=np.full(len(means), self.effective_patients[kind]),
            effective=effective,
        )

    def interval(self, kind: int, level: float) -> Estimates:
        """Return TPIR, FPIR or wrong claims with intervals, a value per rate."""
        bootstrap = self.bootstrap(kind)
        found = bootstrap.interval(level)
        low, high = found.low.copy(), found.high.copy()
        for place in np.flatnonzero(bootstrap.few):  # the threshold may move further than few hits tell
            ends = self._percentiles(bootstrap.replicates[:, place], float(found.mean[place]), level)
            low[place], high[place] = min(low[place], max(ends[0], 0.0)), max(high[place], min(ends[1], 1.0))
        return Estimates(found.mean, low, high)

    def worth(self, place: int, prior: float, level: float) -> tuple[float, float, float] | None:
        """Return the share of claims that name the mate, with its interval; None where no claim is made.

        Where TPIR or FPIR rests on few claims, the interval also holds what their own ends would make of it.

        Args:
            place: of the rate.
            prior: the share of queries whose mate is in the pool.
            level: such as 0.95.
        """
        tpir, fpir, wrong = (float(mean) for mean in self.point.means[:, 0, place])
        value = share_right(prior, tpir, wrong, fpir)
        if value is None:
            return None
        t, f, w = self.drawn.means[:, :, place]
        claims = prior * (t + w) + (1 - prior) * f
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn = np.where(claims > 0, prior * t / claims, np.nan)
        ends = [*self._percentiles(drawn, value, level), value]
        if self.bootstrap(TPIR).few[place]:
            own = self.interval(TPIR, level)
            ends += [share_right(prior, end, wrong, fpir) or 0.0 for end in (own.low[place], own.high[place])]
        if self.bootstrap(FPIR).few[place]:
            own = self.interval(FPIR, level)
            ends += [share_right(prior, tpir, wrong, end) or 0.0 for end in (own.low[place], own.high[place])]
        return value, float(max(min(ends), 0.0)), float(min(max(ends), 1.0))

    def _percentiles(self, drawn: Floats, value: float, level: float) -> tuple[float, float]:
        return expanded_percentiles(drawn, value, float(self.effective_patients.min()), level)
