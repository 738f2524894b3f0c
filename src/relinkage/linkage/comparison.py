"""Two audits of the same queries: how far recall moved, and whether that could be luck.

Patients are the unit. The intervals draw patients once and weigh both audits with them, so that what makes
a patient easy for both cancels. The test asks what the differences would look like if, patient by patient,
it were a coin's toss which audit is called before and which after (sign-flip permutation; Nichols & Holmes,
Human Brain Mapping 2002, for the paired case).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.settings import Resampling
from relinkage.linkage.uncertainty import (
    ClusterBootstrap,
    Estimates,
    expanded_percentiles,
    patient_sums,
    recovered_difference,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

EXACT_UP_TO = 14
"""Patients whose differences are not zero, up to which every assignment of signs is enumerated."""

FLIPS = 9_999
"""Random assignments of signs where there are more; with the one seen they make 10,000."""

_CHUNK = 256
_SAME = 1e-9
"""Sums that differ by less than this share of all differences added up are equal but for rounding."""


@dataclass(frozen=True)
class Change:
    """How recall moved from one audit to another over the same queries, a value per cell.

    Attributes:
        before: mean over the queries, with its own interval.
        after: the same.
        difference: after − before, with its paired interval.
        relative: after / before − 1, with its paired interval; NaN where before is 0, and infinite above
            where no bound follows.
        p: float64, shape (cells,): two-sided p-value of "no patient is linked otherwise than before".
        exact: bool, shape (cells,): whether it comes from all assignments of signs.
        queries: int64, shape (cells,): queries with a value.
        patients: int64, shape (cells,): their patients.
    """

    before: Estimates
    after: Estimates
    difference: Estimates
    relative: Estimates
    p: Floats
    exact: Bools
    queries: Ints
    patients: Ints

    @classmethod
    def measure(
        cls,
        before: Floats,
        after: Floats,
        patient: Ints,
        resampling: Resampling,
        certain: Bools | None = None,
    ) -> "Change":
        """Compare the expected recalls of the same queries in two audits.

        Args:
            before: float64, shape (queries, cells), as `recalls` gives it; NaN where a query has no value.
            after: the same, NaN at the same places.
            patient: int64, shape (queries,): a number per patient.
            resampling: how intervals are made; its seed also draws the signs.
            certain: bool, shape (cells,): both sides are what they are whoever is drawn, as chance is 1.
        """
        cells = before.shape[1]
        certain = np.zeros(cells, np.bool_) if certain is None else certain
        both = np.concatenate([before, after], axis=1)
        bootstrap = ClusterBootstrap.draw(both, patient, resampling.replicates, resampling.seed)
        own = bootstrap.interval(resampling.interval, np.tile(certain, 2))
        first, last = (
            Estimates(own.mean[side], own.low[side], own.high[side])
            for side in (slice(cells), slice(cells, None))
        )
        p, exact = sign_flip(after - before, patient, seed=resampling.seed)
        difference, relative = paired(bootstrap, first, last, resampling.interval, certain)
        queries = (~np.isnan(before)).sum(axis=0)
        return cls(first, last, difference, relative, p, exact, queries, bootstrap.patients[:cells])


def sign_flip(differences: Floats, patient: Ints, flips: int = FLIPS, seed: int = 0) -> tuple[Floats, Bools]:
    """Test paired differences by flipping the signs of whole patients.

    The statistic is the absolute sum of all differences. Where at most `EXACT_UP_TO` patients have one that
    is not zero, the p-value is the share of all assignments of signs that reach it; elsewhere
    (1 + c) / (1 + flips), with c of `flips` random assignments reaching it (Phipson & Smyth, Statistical
    Applications in Genetics and Molecular Biology 2010).

    Args:
        differences: float64, shape (queries, cells), NaN where a query has no value.
        patient: int64, shape (queries,): a number per patient.
        flips: random assignments of signs.
        seed: of these.

    Returns:
        Two-sided p-values, float64, shape (cells,), and whether each is exact.
    """
    sums, _ = patient_sums(differences, patient)
    moved = sums != 0
    exact = moved.sum(axis=0) <= EXACT_UP_TO
    p = np.empty(len(exact))
    for cell in np.flatnonzero(exact):
        p[cell] = _enumerated(sums[moved[:, cell], cell])
    if not exact.all():
        p[~exact] = _sampled(sums[:, ~exact], flips, seed)
    return p, exact


def holm(p: Floats) -> Floats:
    """Adjust p-values so that the chance of one false alarm in the whole family stays at the level.

    Holm, Scandinavian Journal of Statistics 1979: the i-th smallest of m is multiplied by m − i + 1, and none
    falls below the one before.

    Args:
        p: float64, shape (m,).
    """
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(np.minimum(p[order] * np.arange(len(p), 0, -1), 1.0))
    return adjusted


def _reached(sums: Floats, differences: Floats) -> Bools:
    """Say which sums lie as far from zero as that of the differences as they are."""
    far = np.abs(differences.sum(axis=0)) - _SAME * np.abs(differences).sum(axis=0)
    return np.abs(sums) >= far


def _enumerated(differences: Floats) -> float:
    if len(differences) == 0:
        return 1.0
    # The first sign stays: an assignment and its opposite have the same absolute sum.
    free = len(differences) - 1
    signs = 2 * (np.arange(2**free)[:, None] >> np.arange(free) & 1) - 1
    return float(_reached(differences[0] + signs @ differences[1:], differences).mean())


def _sampled(sums: Floats, flips: int, seed: int) -> Floats:
    sums = sums[sums.any(axis=1)]
    patients, total = len(sums), sums.sum(axis=0)
    random = np.random.default_rng((seed, flips))
    reached = np.ones(sums.shape[1])
    for start in range(0, flips, _CHUNK):
        rows = min(_CHUNK, flips - start)
        drawn = random.integers(0, 256, (rows, -(-patients // 8)), dtype=np.uint8)
        kept = np.unpackbits(drawn, axis=1, count=patients).astype(np.float64)
        reached += _reached(2 * (kept @ sums) - total, sums).sum(axis=0)
    return reached / (1 + flips)


def paired(
    bootstrap: ClusterBootstrap, before: Estimates, after: Estimates, level: float, certain: Bools
) -> tuple[Estimates, Estimates]:
    """Return differences and relative changes with their intervals, from joint draws of patients.

    Args:
        bootstrap: of 2 * cells columns: every cell before, then every cell after.
        before: the first side with its own intervals, shape (cells,).
        after: the other side.
        level: of the intervals, the same as that of both sides.
        certain: bool, shape (cells,): both sides are what they are whoever is drawn.
    """
    cells = len(before.mean)
    drawn = bootstrap.replicates[:, :cells], bootstrap.replicates[:, cells:]
    few = bootstrap.few[:cells] | bootstrap.few[cells:]
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = drawn[1] - drawn[0]
        # The rare replicate that draws none of the hits has no ratio and is left out.
        ratio = drawn[1] / np.where(drawn[0] > 0, drawn[0], np.nan)
        share = after.mean / np.where(before.mean > 0, before.mean, np.nan)
    difference = Estimates(after.mean - before.mean, *np.full((2, cells), np.nan))
    relative = Estimates(share - 1, *np.full((2, cells), np.nan))
    for cell in np.flatnonzero(bootstrap.patients[:cells] > 0):
        if certain[cell]:
            low = high = difference.mean[cell]
            least = most = share[cell]
        elif few[cell]:
            sides = _Sides.at(int(cell), before, after, _correlation(drawn[0][:, cell], drawn[1][:, cell]))
            low, high = sides.difference()
            least, most = sides.ratio()
        else:
            patients = float(bootstrap.effective_patients[cell])
            low, high = expanded_percentiles(moved[:, cell], difference.mean[cell], patients, level)
            least, most = expanded_percentiles(ratio[:, cell], share[cell], patients, level)
        difference.low[cell], difference.high[cell] = max(low, -1.0), min(high, 1.0)
        if before.mean[cell] > 0:
            relative.low[cell], relative.high[cell] = max(least, 0.0) - 1, most - 1
    return difference, relative


def _correlation(left: Floats, right: Floats) -> float:
    """Give the correlation of two sides' replicates, but at most 0: few hits do not show that sides agree."""
    if left.std() == 0 or right.std() == 0:
        return 0.0
    return float(np.clip(np.corrcoef(left, right)[0, 1], -1, 0))


@dataclass(frozen=True)
class _Sides:
    """Two shares with their own intervals, joined by the method of variance estimates recovery (MOVER).

    Replicates of a difference or a ratio have no width where one side has no hit; the sides' own intervals,
    Clopper-Pearson there, do. b and a are before and after; `down` and `up` their distances to their ends.
    """

    b: float
    b_down: float
    b_up: float
    a: float
    a_down: float
    a_up: float
    r: float

    @classmethod
    def at(cls, cell: int, before: Estimates, after: Estimates, r: float) -> "_Sides":
        distances = [
            float(value)
            for side in (before, after)
            for mean, low, high in [(side.mean[cell], side.low[cell], side.high[cell])]
            for value in (mean, mean - low, high - mean)
        ]
        return cls(*distances, r)

    def difference(self) -> tuple[float, float]:
        """Interval of a − b."""
        before = self.b, self.b - self.b_down, self.b + self.b_up
        return recovered_difference(before, (self.a, self.a - self.a_down, self.a + self.a_up), self.r)

    def ratio(self) -> tuple[float, float]:
        """Interval of a / b (Donner & Zou, Statistical Methods in Medical Research 2012, equation 9).

        The lower end is written with the conjugate root, which also holds where b's interval is so wide
        that the published form divides by zero or less.
        """
        low_middle = self.a * self.b - self.r * self.a_down * self.b_up
        low_a, low_b = self.a**2 - self.a_down**2, self.b**2 - self.b_up**2
        low_root = max(low_middle**2 - low_a * low_b, 0) ** 0.5
        high_middle = self.a * self.b - self.r * self.a_up * self.b_down
        high_a, high_b = self.a**2 - self.a_up**2, self.b**2 - self.b_down**2
        high_root = max(high_middle**2 - high_a * high_b, 0) ** 0.5
        below = low_middle + low_root
        return (
            low_a / below if low_a > 0 and below > 0 else 0.0,
            (high_middle + high_root) / high_b if high_b > 0 else np.inf,
        )
