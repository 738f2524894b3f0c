"""The rows of the open set, where the mate may be absent and an attacker may stay silent."""

from typing import Annotated, Literal

from msgspec import Meta

from relinkage.linkage.rows import PoolRow
from relinkage.options import Count, Share
from relinkage.records import Record

Score = Literal["cosine", "margin"]


class ClaimRow(PoolRow, frozen=True):
    """A row about claims by one score.

    Attributes:
        score: What a threshold is set on: the best candidate's cosine, or its lead over the second best.
        queries: Queries that were measured.
        patients: Patients of these queries.
    """

    score: Score
    queries: Count
    patients: Count


class Worth(Record, frozen=True):
    """What a claim is worth.

    Attributes:
        prior: The share of queries whose mate is in the pool.
        ppv: Share of claims that name the mate; null where no claim is made. Any other candidate counts as a
            false claim, also another report of the query's own patient, unless `distractors` leaves it out.
        low: Lower end of the interval of that share; null where no claim is made.
        high: Upper end of the interval of that share; null where no claim is made.
    """

    prior: Share
    ppv: Share | None
    low: Share | None
    high: Share | None


class OpenSetRow(ClaimRow, frozen=True):
    """The open set at one rate of false claims.

    Each half of the patients is measured at the threshold that the other half sets. Intervals draw the
    patients of both halves and set the thresholds again.

    Attributes:
        fpir: The rate of false claims that thresholds are set for.
        thresholds: The threshold that each half of the patients sets.
        tpir: Of searches with the mate in the pool, the share in which it is claimed.
        low: Lower end of the interval of TPIR at the rate of false claims.
        high: Upper end of the interval of TPIR at the rate of false claims.
        fpir_measured: Of searches without the mate in the pool, the share that ends in a claim.
        fpir_low: Lower end of the interval of the measured rate.
        fpir_high: Upper end of the interval of the measured rate.
        misidentified: Of searches with the mate in the pool, the share in which another candidate is claimed.
        ppv: What a claim is worth, at several priors.
    """

    fpir: Share
    thresholds: tuple[float, float]
    tpir: Share
    low: Share
    high: Share
    fpir_measured: Share
    fpir_low: Share
    fpir_high: Share
    misidentified: Share
    ppv: tuple[Worth, ...]


class DetPoint(Record, frozen=True):
    """A point of a detection error trade-off curve, as measured on all patients; FNIR is 1 - TPIR.

    Attributes:
        threshold: The threshold.
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


def share_right(prior: float, tpir: float, wrong: float, fpir: float) -> float | None:
    """Return the share of claims that name the mate: PPV (THEORY 4).

    Args:
        prior: the share of queries whose mate is in the pool.
        tpir: of searches with the mate in the pool, the share in which it is claimed.
        wrong: of these, the share in which another candidate is claimed.
        fpir: of searches without the mate, the share that ends in a claim.

    Returns:
        None where no claim is made.
    """
    claims = prior * (tpir + wrong) + (1 - prior) * fpir
    return float(min(prior * tpir / claims, 1.0)) if claims > 0 else None
