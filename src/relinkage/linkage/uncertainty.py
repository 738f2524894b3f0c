"""Intervals: how far a figure could move with other patients. The gallery is held fixed.

Patients are drawn with replacement and bring all their queries (cluster bootstrap). Percentiles are widened
for few patients (expanded percentile interval: Hesterberg, The American Statistician 2015, section 3.4).
Where a share rests on fewer than `FEW` hits or misses, percentiles are wrong and, at 0 and 1, of no width;
there the Clopper-Pearson interval is used at the effective number of queries (Korn & Graubard, Survey
Methodology 1998).
"""

import threading
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import betainccinv, betaincinv, ndtr, ndtri, stdtrit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

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


@dataclass(frozen=True)
class ClusterBootstrap:
    """Bootstrap replicates of the means of several cells over the same queries.

    Attributes:
        means: float64, shape (cells,).
        replicates: float64, shape (replicates, cells).
        patients: int64, shape (cells,): patients with a value.
        effective: float64, shape (cells,): queries' worth of independent information (Korn & Graubard).
    """

    means: Floats
    replicates: Floats
    patients: Ints
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
            patients = (counts > 0).sum(axis=0)
            residual = (sums - means * counts) / total
            variance = (residual**2).sum(axis=0) * patients / (patients - 1)
            effective = np.minimum(means * (1 - means) / variance, total)
        # Where not one whole hit or miss was seen, how hits cluster within patients is not known either.
        certain = ~(variance > 0) | ~(total * np.minimum(means, 1 - means) >= 1)
        return cls(means, drawn, patients, np.where(certain, patients, effective))

    def take(self, cells: slice) -> "ClusterBootstrap":
        """Keep some of the cells."""
        return ClusterBootstrap(
            self.means[cells], self.replicates[:, cells], self.patients[cells], self.effective[cells]
        )

    @property
    def few(self) -> NDArray[np.bool_]:
        """Whether fewer than `FEW` hits or misses, or one patient, carry a mean: bool, shape (cells,)."""
        share = np.clip(self.means, 0, 1)
        return ~(self.effective * np.minimum(share, 1 - share) >= FEW) | (self.patients < 2)

    def interval(self, level: float) -> Estimates:
        """Give the means with intervals at a level such as 0.95."""
        low, high, few = np.full_like(self.means, np.nan), np.full_like(self.means, np.nan), self.few
        for cell in np.flatnonzero(self.patients > 0):
            mean, patients = float(np.clip(self.means[cell], 0, 1)), int(self.patients[cell])
            if few[cell]:
                low[cell], high[cell] = _clopper_pearson(mean, float(self.effective[cell]), patients, level)
            else:
                ends = expanded_percentiles(self.replicates[:, cell], mean, patients, level)
                low[cell], high[cell] = max(ends[0], 0.0), min(ends[1], 1.0)
        return Estimates(self.means, low, high)


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


def expanded_percentiles(drawn: Floats, value: float, patients: int, level: float) -> tuple[float, float]:
    """Give the interval of one statistic from its bootstrap replicates, widened for few patients.

    Args:
        drawn: float64, shape (replicates,), NaN where a replicate has no value.
        value: the statistic itself.
        patients: at least two.
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


def _clopper_pearson(mean: float, n: float, patients: int, level: float) -> tuple[float, float]:
    if patients < 2:
        return 0.0, 1.0
    tail = (1 - level) / 2
    n *= (ndtri(tail) / stdtrit(patients - 1, tail)) ** 2
    hits = n * mean
    return (
        float(betaincinv(hits, n - hits + 1, tail)) if hits > 0 else 0.0,
        float(betainccinv(hits + 1, n - hits, tail)) if hits < n else 1.0,
    )


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


@njit(nogil=True, cache=True)
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


@njit(nogil=True, cache=True)
def _mix(bits: np.uint64) -> np.uint64:
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@njit(nogil=True, cache=True)
def _add_up(values: Floats, which: Ints, sums: Floats, counts: Floats) -> None:
    for query in range(values.shape[0]):
        for cell in range(values.shape[1]):
            value = values[query, cell]
            if not np.isnan(value):
                sums[which[query], cell] += value
                counts[which[query], cell] += 1
