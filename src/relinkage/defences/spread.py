"""Intervals over patients, widened by what differs from training to training."""

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit


def over_trainings(
    value: float, low: float, high: float, trainings: Sequence[float], level: float
) -> tuple[float, float]:
    """Return an interval that holds the figure of another training too, asked of other patients.

    The figure shown is that of the first training. Another one differs from it by the noise of two
    trainings, whose variance is estimated from all of them (t with n − 1 degrees of freedom) and added to
    that over patients, side by side, as if the two were independent (Zou & Donner, Statistics in Medicine
    2008).

    Args:
        value: the figure of the first training.
        low: lower end of its interval over patients.
        high: upper end of its interval over patients.
        trainings: the same figure of every training on the same patients, the first one first.
        level: such as 0.95.
    """
    if len(trainings) < 2 or min(trainings) == max(trainings):
        return low, high
    reach = float(-stdtrit(len(trainings) - 1, (1 - level) / 2) * np.sqrt(2) * np.std(trainings, ddof=1))
    return float(value - np.hypot(value - low, reach)), float(value + np.hypot(high - value, reach))
