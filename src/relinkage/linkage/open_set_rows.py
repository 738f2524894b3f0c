"""The rows of the open set, where the mate may be absent and an attacker may stay silent."""

from typing import Annotated, Literal

from msgspec import Meta

from relinkage.linkage.rows import PoolRow
from relinkage.options import Count, Share
from relinkage.records import Record

Score = Literal["cosine", "margin", "posterior"]


class ClaimRow(PoolRow, frozen=True):
    """A row about claims by one score.

    Attributes:
        score: What a threshold is set on: the best candidate's cosine, its lead over the second best, or its
            share of the softmax over the pool.
        queries: Queries that were measured.
        patients: Patients of these queries.
    """

    score: Score
    queries: Count
    patients: Count


class Worth(Record, frozen=True):
    """What a claim is worth.

    Attributes:
        prior: Probability that the mate is in the pool.
        ppv: Share of claims that are right; null where no claim is made.
    """

    prior: Share
    ppv: Share | None


class OpenSetRow(ClaimRow, frozen=True):
    """The open set at one rate of false claims.

    Thresholds are set on one half of the patients, all else is measured on the other.

    Attributes:
        fpir: The rate of false claims that the threshold was set for.
        threshold: The threshold; of the posterior, a probability.
        tpir: Of searches with the mate in the pool, the share in which it is claimed.
        low: Lower end of the interval of TPIR.
        high: Upper end of the interval of TPIR.
        fpir_measured: Of searches without the mate in the pool, the share that ends in a claim.
        fpir_low: Lower end of the interval of the measured rate.
        fpir_high: Upper end of the interval of the measured rate.
        misidentified: Of searches with the mate in the pool, the share in which another candidate is claimed.
        ppv: What a claim is worth, at several priors.
    """

    fpir: Share
    threshold: float
    tpir: Share
    low: Share
    high: Share
    fpir_measured: Share
    fpir_low: Share
    fpir_high: Share
    misidentified: Share
    ppv: tuple[Worth, ...]


class DetPoint(Record, frozen=True):
    """A point of a detection error trade-off curve, as measured; FNIR is 1 - TPIR.

    Attributes:
        threshold: The threshold; of the posterior, a probability.
        fpir: Of searches without the mate in the pool, the share that ends in a claim.
        tpir: Of searches with the mate in the pool, the share in which it is claimed.
    """

    threshold: float
    fpir: Share
    tpir: Share


class DetCurve(ClaimRow, frozen=True):
    """The open set as a detection error trade-off curve.

    Attributes:
        points: The rates at each threshold.
    """

    points: Annotated[tuple[DetPoint, ...], Meta(min_length=1)]
