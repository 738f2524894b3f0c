"""Intervals: how far a figure could move with other patients. The gallery is held fixed.

Patients are drawn with replacement and bring all their queries (cluster bootstrap). Percentiles are widened
for few patients (expanded percentile interval: Hesterberg, The American Statistician 2015, section 3.4).
Where a share rests on fewer than `FEW` hits or misses, percentiles are wrong and, at 0 and 1, of no width;
there the Clopper-Pearson interval is used at the effective number of queries (Korn & Graubard, Survey
Methodology 1998). A mean that is mostly one patient's rests on few patients: where their number matters, the
effective one counts, (Σn)² / Σn² for patients with n queries each (Kish, Survey Sampling, 1965).
"""

import threading
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainccinv, betaincinv, ndtr, ndtri, stdtrit

from relinkage.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ends = tuple[float, float, float]
"""A figure, and the lower and upper end of its interval."""

FEW = 10
_CHUNK, _WEIGHTS = 64, 4_000_000
"""Replicates multiplied at a time, few enough to stay in cache, and how many weights they may have: 32 MB."""
_KEPT = 32_000_000
"""Weights, a byte each, that are kept for the next table over as many patients."""


@dataclass(frozen=True)
class Estimates:
    """Means over queries with their intervals, a value per cell.

    Attributes:
        mean: float64, shape (cells,): NaN where no query has a value.
        low: float64, shape (cells,).
        high: float64, shape (cells,).
    """

    mean: Floats
    low: Floats
    high: Floats

    def widened(self, times: Floats) -> "Estimates":
        """Return estimates whose ends lie so many times as far from their means, but within 0 and 1.

        Args:
            times: float64, shape (cells,): NaN where an interval stays as it is.
        """
        low = np.maximum(self.mean - times * (self.mean - self.low), 0.0)
        high = np.minimum(self.mean + times * (self.high - self.mean), 1.0)
        same = np.isnan(times)
        return Estimates(self.mean, np.where(same, self.low, low), np.where(same, self.high, high))


@dataclass(frozen=True)
class ClusterBootstrap:
    """Bootstrap replicates of the means of several cells over the same queries.

    Attributes:
        means: float64, shape (cells,).
        replicates: float64, shape (replicates, cells).
        patients: int64, shape (cells,): patients with a value.
        effective_patients: float64, shape (cells,): as many patients with equally many queries tell as much.
        effective: float64, shape (cells,): queries' worth of independent information (Korn & Graubard).
    """

    means: Floats
    replicates: Floats
    patients: Ints
    effective_patients: Floats
    effective: Floats

    @classmethod
    def draw(cls, values: Floats, patient: Ints, replicates: int, seed: int) -> "ClusterBootstrap":
        """Draw patients with replacement and average their queries.

        Args:
            values: float64, shape (queries, cells), NaN where a query has no value.
            patient: int64, shape (queries,): a number per patient.
            replicates: how many times to draw.
            seed: of the draws.
        """
        sums, counts = patient_sums(values, patient)
        total = counts.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            means = sums.sum(axis=0) / total
            drawn = _replicates(sums, counts, replicates, seed)
            patients, effective_patients = (counts > 0).sum(axis=0), evened(counts)
            residual = (sums - means * counts) / total
            variance = (residual**2).sum(axis=0) * effective_patients / (effective_patients - 1)
            effective = np.minimum(means * (1 - means) / variance, total)
        # Where not one whole hit or miss was seen, how hits cluster within patients is not known either.
        certain = ~(variance > 0) | ~(total * np.minimum(means, 1 - means) >= 1)
        effective = np.where(certain, effective_patients, effective)
        return cls(means, drawn, patients, effective_patients, effective)

    def take(self, cells: slice | Ints) -> "ClusterBootstrap":
        """Keep some of the cells, by a slice or by their numbers."""
        return ClusterBootstrap(
            self.means[cells],
            self.replicates[:, cells],
            self.patients[cells],
            self.effective_patients[cells],
            self.effective[cells],
        )

    @property
    def few(self) -> NDArray[np.bool_]:
        """Whether fewer than `FEW` hits or misses, or one patient, carry a mean: bool, shape (cells,)."""
        share = np.clip(self.means, 0, 1)
        return ~(self.effective * np.minimum(share, 1 - share) >= FEW) | (self.patients < 2)

    def interval(self, level: float, certain: NDArray[np.bool_] | None = None) -> Estimates:
        """Give the means with intervals.

        Args:
            level: such as 0.95.
            certain: bool, shape (cells,): the mean is what it is whoever is drawn, so both ends are the mean.
        """
        low, high, few = np.full_like(self.means, np.nan), np.full_like(self.means, np.nan), self.few
        for cell in np.flatnonzero(self.patients > 0):
            if certain is not None and certain[cell]:
                low[cell] = high[cell] = self.means[cell]
            else:
                low[cell], high[cell] = self._ends(int(cell), bool(few[cell]), level)
        return Estimates(np.clip(self.means, 0, 1), low, high)  # a mean of ones may exceed one by a last bit

    def _ends(self, cell: int, few: bool, level: float) -> tuple[float, float]:
        mean, patients = float(np.clip(self.means[cell], 0, 1)), float(self.effective_patients[cell])
        if few:
            return clopper_pearson(mean, float(self.effective[cell]), patients, level)
        low, high = expanded_percentiles(self.replicates[:, cell], mean, patients, level)
        return max(low, 0.0), min(high, 1.0)


def evened(counts: Floats) -> Floats:
    """Return how many patients with equally many queries tell as much: (Σn)² / Σn².

    It is the number of patients where all have as many queries, and at least 2 where there are two: with
    less, nothing could be said.

    Args:
        counts: float64, shape (patients, cells): each patient's queries.

    Returns:
        float64, shape (cells,): 0 where no patient has a query.
    """
    total, squares = counts.sum(axis=0), (counts**2).sum(axis=0)
    effective = total**2 / np.maximum(squares, 1)
    return np.maximum(effective, np.minimum((counts > 0).sum(axis=0), 2))


def patient_sums(values: Floats, patient: Ints) -> tuple[Floats, Floats]:
    """Add up each patient's queries and count those with a value.

    Args:
        values: float64, shape (queries, cells), NaN where a query has no value.
        patient: int64, shape (queries,): a number per patient.

    Returns:
        Sums and counts, both float64, shape (patients, cells), in the order of the patients' numbers.
    """
    which = _dense(patient)
    sums, counts = (np.zeros((int(which.max()) + 1, values.shape[1])) for _ in range(2))
    _add_up(np.ascontiguousarray(values), which, sums, counts)
    return sums, counts


def _dense(patient: Ints) -> Ints:
    """Number the patients from 0 without a gap; as a rule they are."""
    if patient.min() == 0 and patient.max() < len(patient) and np.bincount(patient).all():
        return patient
    return np.unique(patient, return_inverse=True)[1].ravel()


def expanded_percentiles(drawn: Floats, value: float, patients: float, level: float) -> tuple[float, float]:
    """Give the interval of one statistic from its bootstrap replicates, widened for few patients.

    Args:
        drawn: float64, shape (replicates,), NaN where a replicate has no value.
        value: the statistic itself.
        patients: the effective number, at least two.
        level: such as 0.95.
    """
    drawn = np.sort(drawn[~np.isnan(drawn)])
    steps = -stdtrit(patients - 1, (1 - level) / 2) * np.sqrt(patients / (patients - 1))
    widened = ndtr(-steps)
    if widened * len(drawn) < 0.5:  # the percentile lies beyond the outermost replicate
        reach = float(steps * drawn.std())
        return value - reach, value + reach
    ends = np.array([widened, 1 - widened]) * (len(drawn) - 1)
    low, high = np.interp(ends, np.arange(len(drawn)), drawn)
    return float(low), float(high)


def clopper_pearson(mean: float, n: float, patients: float, level: float) -> tuple[float, float]:
    """Return the exact interval of a share of n independent queries, widened for few patients.

    Args:
        mean: the share.
        n: the effective number of queries.
        patients: the effective number; with fewer than two nothing is known.
        level: such as 0.95.
    """
    if patients < 2:
        return 0.0, 1.0
    tail = (1 - level) / 2
    n *= (ndtri(tail) / stdtrit(patients - 1, tail)) ** 2
    hits = n * mean
    return (
        float(betaincinv(hits, n - hits + 1, tail)) if hits > 0 else 0.0,
        float(betainccinv(hits + 1, n - hits, tail)) if hits < n else 1.0,
    )


def recovered_difference(first: Ends, last: Ends, correlation: float = 0.0) -> tuple[float, float]:
    """Return the interval of last − first from the intervals of both.

    The method of variance estimates recovery (Zou & Donner, Statistics in Medicine 2008), for where
    replicates of a difference have no width because one side has no hit.

    Args:
        first: a share or a difference, with the ends of its interval.
        last: the same of the other.
        correlation: of the two.
    """
    (b, b_low, b_high), (a, a_low, a_high) = first, last
    low = (a - a_low) ** 2 - 2 * correlation * (a - a_low) * (b_high - b) + (b_high - b) ** 2
    high = (a_high - a) ** 2 - 2 * correlation * (a_high - a) * (b - b_low) + (b - b_low) ** 2
    return a - b - max(low, 0) ** 0.5, a - b + max(high, 0) ** 0.5


def _replicates(sums: Floats, counts: Floats, replicates: int, seed: int) -> Floats:
    """Weight patients by how often each is drawn: one matrix product a chunk of replicates."""
    clusters, cells = sums.shape
    # Cells of one pool rest on the same queries, so few columns of counts differ.
    place: dict[bytes, int] = {}
    columns = np.ascontiguousarray(counts.T)
    which = np.array([place.setdefault(column.tobytes(), len(place)) for column in columns], np.int64)
    distinct = np.array([np.frombuffer(column) for column in place]).reshape(-1, clusters).T
    both = np.concatenate([sums, distinct], axis=1)
    out = np.empty((replicates, cells))
    rows = max(1, min(_CHUNK, _WEIGHTS // clusters))
    kept = None
    if replicates * clusters <= _KEPT:
        with _turn:  # the tables of an audit have the same patients, and their threads ask at once
            kept = _all_weights(seed, replicates, clusters)
    wide = np.empty((rows, clusters))
    for start in range(0, replicates, rows):
        end = min(start + rows, replicates)
        part = wide[: end - start]
        part[:] = _weights(seed, start, end, clusters) if kept is None else kept[start:end]
        product = part @ both
        out[start:end] = product[:, :cells] / product[:, cells:][:, which]
    return out


_turn = threading.Lock()


@lru_cache(maxsize=16)
def _all_weights(seed: int, replicates: int, patients: int) -> NDArray[np.uint8]:
    return _weights(seed, 0, replicates, patients)


def _weights(seed: int, first: int, end: int, patients: int) -> NDArray[np.uint8]:
    """Count how often each patient is drawn in some replicates: shape (end − first, patients).

    A byte holds it: that one of a billion patients is drawn 256 times has a probability below 1e-490.
    """
    weights = np.empty((end - first, patients), np.uint8)
    draw_patients(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0], first, weights)
    return weights


@compiled
def draw_patients(stream: np.uint64, first: int, weights: Floats | NDArray[np.uint8]) -> None:
    """Draw as many patients as there are, with replacement, and count how often each is drawn.

    Every replicate has a stream of its own (SplitMix64: Steele, Lea & Flood, OOPSLA 2014), so it does not
    matter how many are drawn at a time. A draw takes 32 bits: of 100,000 patients none is favoured by more
    than one part in 40,000.

    Args:
        stream: uint64, what the seed stands for.
        first: number of the first replicate.
        weights: numbers of any type that holds the counts, shape (replicates, patients), written to.
    """
    patients = np.uint64(weights.shape[1])
    for row in range(weights.shape[0]):
        weights[row] = 0
        state = _mix(np.uint64(stream) ^ _mix(np.uint64(first + row + 1)))
        for drawn in range(0, weights.shape[1], 2):
            state += np.uint64(0x9E3779B97F4A7C15)
            bits = _mix(state)
            weights[row, ((bits & np.uint64(0xFFFFFFFF)) * patients) >> np.uint64(32)] += 1
            if drawn + 1 < weights.shape[1]:
                weights[row, ((bits >> np.uint64(32)) * patients) >> np.uint64(32)] += 1


@compiled
def _mix(bits: np.uint64) -> np.uint64:
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@compiled
def _add_up(values: Floats, which: Ints, sums: Floats, counts: Floats) -> None:
    for query in range(values.shape[0]):
        for cell in range(values.shape[1]):
            value = values[query, cell]
            if not np.isnan(value):
                sums[which[query], cell] += value
                counts[which[query], cell] += 1
