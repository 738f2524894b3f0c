"""A figure between its one-sided limits, as one attacker reaches it in one direction."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from relinkage.linkage.settings import Direction
from relinkage.policies.rules import LEVEL, Unit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TWO_SIDED = 2 * LEVEL - 1
"""The level of the two-sided interval whose ends are the one-sided limits."""


class CannotAnswerError(Exception):
    """A run does not have what a rule asks for; the message says what is missing and what to do."""


@dataclass(frozen=True)
class Sample:
    """A figure as the mean of values, one per query or per patient.

    Attributes:
        values: float64, shape (n,), NaN where there is none.
        patient: int64, shape (n,): a number per patient.
        key: shape (n,): what the value is of; the same in another run of the same queries.
    """

    values: Floats
    patient: Ints
    key: pl.Series


@dataclass(frozen=True)
class Reading:
    """What one attacker reaches in one direction.

    Attributes:
        attacker: who.
        direction: which side asks.
        value: the figure, a share.
        low: its lower limit.
        high: its upper limit.
        level: the one-sided level of both.
        patients: patients that it rests on.
        chance: what a scorer that knows nothing reaches; NaN where that has no meaning.
        what: which of several figures of the rule it is: a score, a group.
        sample: what it is the mean of; None where only the figure is known.
    """

    attacker: str
    direction: Direction
    value: float
    low: float
    high: float
    level: float
    patients: int
    chance: float = float("nan")
    what: str = ""
    sample: Sample | None = None

    def in_unit(self, share: float, unit: Unit) -> float:
        """Return a share as a rule counts it."""
        if unit == "times chance":
            return share / self.chance
        return share - self.chance if unit == "above chance" else share
