"""A figure, the baseline's, and how far apart the two are: intervals from the same draws of patients."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.estimates import Compared, Difference, Estimate
from relinkage.linkage.uncertainty import ClusterBootstrap, Estimates, expanded_percentiles

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Paired:
    """Figures of the measured heads and, where there is a baseline, of that, a value per cell.

    Attributes:
        measured: with intervals.
        baseline: the same, or None.
        difference: measured − baseline with its paired interval, or None.
        patients: int64, shape (cells,): patients behind each interval.
    """

    measured: Estimates
    baseline: Estimates | None
    difference: Estimates | None
    patients: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        measured: ClusterBootstrap,
        baseline: ClusterBootstrap | None,
        level: float,
        same: NDArray[np.bool_] | None = None,
    ) -> "Paired":
        """Put intervals on two figures over the same images, and on their difference.

        Replicates must come from the same draws of patients, so that what makes a patient easy cancels.
        Where a figure rests on too few hits or misses for percentiles, the interval of the difference is put
        together from the two sides' own, as if they were independent, which is cautious (Zou & Donner,
        Statistics in Medicine 2008).

        Args:
            measured: values and replicates of the measured heads.
            baseline: the same of the baseline.
            level: such as 0.95.
            same: bool, shape (cells,): both sides have the same scores, so that nothing can differ.
        """
        after = measured.interval(level)
        if baseline is None:
            return cls(after, None, None, measured.patients)
        before = baseline.interval(level)
        moved = after.mean - before.mean
        low, high = np.full_like(moved, np.nan), np.full_like(moved, np.nan)
        few = measured.few | baseline.few
        for cell in np.flatnonzero(~np.isnan(moved)):
            if same is not None and same[cell]:
                low[cell] = high[cell] = 0.0
            elif few[cell]:
                down = np.hypot(after.mean[cell] - after.low[cell], before.high[cell] - before.mean[cell])
                up = np.hypot(after.high[cell] - after.mean[cell], before.mean[cell] - before.low[cell])
                low[cell], high[cell] = moved[cell] - down, moved[cell] + up
            else:
                drawn = measured.replicates[:, cell] - baseline.replicates[:, cell]
                patients = float(measured.effective_patients[cell])
                low[cell], high[cell] = expanded_percentiles(drawn, moved[cell], patients, level)
        difference = Estimates(moved, np.maximum(low, -1), np.minimum(high, 1))
        return cls(after, before, difference, measured.patients)

    def at(self, cell: int, chance: float) -> Compared:
        """Give one cell beside what chance reaches."""
        before, moved = self.baseline, self.difference
        return Compared(
            chance=chance,
            measured=Estimate(**_ends(self.measured, cell)),
            baseline=None if before is None else Estimate(**_ends(before, cell)),
            difference=None if moved is None else Difference(**_ends(moved, cell)),
        )


def _ends(side: Estimates, cell: int) -> dict[str, float]:
    return {"value": float(side.mean[cell]), "low": float(side.low[cell]), "high": float(side.high[cell])}
