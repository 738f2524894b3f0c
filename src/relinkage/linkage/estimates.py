"""Figures with their intervals, as results hold them."""

from typing import Annotated

from msgspec import Meta

from relinkage.options import Share
from relinkage.records import Record

Signed = Annotated[float, Meta(ge=-1, le=1)]
"""A difference of two shares."""
Relative = Annotated[float, Meta(ge=-1)]
"""A share of what was there before; -1 where nothing is left."""


class Estimate(Record, frozen=True):
    """A share with its interval.

    Attributes:
        value: The share.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    value: Share
    low: Share
    high: Share


class Difference(Record, frozen=True):
    """How far apart two shares are, with the interval of the paired difference.

    Attributes:
        value: Measured less baseline.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    value: Signed
    low: Signed
    high: Signed


class RelativeChange(Record, frozen=True):
    """By what share of itself a figure changed, with its paired interval.

    Attributes:
        value: After / before - 1.
        low: Lower end of the interval; null where none follows.
        high: Upper end of the interval; null where no bound follows.
    """

    value: Relative
    low: Relative | None
    high: Relative | None


class Compared(Record, frozen=True):
    """A figure beside chance and beside that of a baseline, from the same draws of patients.

    Attributes:
        chance: What an order at random reaches on the same queries.
        measured: The figure, with its interval over patients.
        baseline: The same of the baseline; null where there is none.
        difference: Measured less baseline; null where there is no baseline.
    """

    chance: Share
    measured: Estimate
    baseline: Estimate | None
    difference: Difference | None
