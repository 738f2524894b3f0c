"""The rows about the risk of patients. The risk of a query is its expected Recall@1 in the stated pool."""

from typing import Annotated

from msgspec import Meta

from relinkage.linkage.rows import Size
from relinkage.linkage.settings import Direction
from relinkage.options import Count, Share
from relinkage.records import Record


class RiskQuantile(Record, frozen=True):
    """A quantile of the risk.

    Attributes:
        share: Of patients, from the least exposed up.
        most_exposed: Risk of a patient's most exposed query.
        mean: Mean risk of a patient's queries.
        at_least_one: The probability that at least one of a patient's queries is linked.
    """

    share: Share
    most_exposed: Share
    mean: Share
    at_least_one: Share


class PatientRisk(Record, frozen=True):
    """One figure of each patient, over all patients.

    Attributes:
        average: Its mean over patients.
        low: Lower end of the interval of the mean.
        high: Upper end of the interval of the mean.
        above: Patients for whom it lies above the threshold.
        above_share: The same as a share of patients.
        above_low: Lower end of the interval of that share.
        above_high: Upper end of the interval of that share.
    """

    average: Share
    low: Share
    high: Share
    above: Size
    above_share: Share
    above_low: Share
    above_high: Share


class RiskHistogram(Record, frozen=True):
    """Patients by their risk.

    Attributes:
        edges: Bins are open below and closed above; the first holds all that lies lower.
        most_exposed: Patients in each bin by their most exposed query.
        mean: Patients in each bin by the mean over their queries.
    """

    edges: Annotated[tuple[Annotated[float, Meta(gt=0, le=1)], ...], Meta(min_length=2)]
    most_exposed: Annotated[tuple[Size, ...], Meta(min_length=1)]
    mean: Annotated[tuple[Size, ...], Meta(min_length=1)]


class RiskStratum(Record, frozen=True):
    """Mean risk of queries with a positive label, of a view, a sex or an age decade.

    Attributes:
        column: The column.
        value: Its value; `positive` for labels.
        risk: Mean risk of its queries.
        low: Lower end of the interval.
        high: Upper end of the interval.
        ratio: risk / average.
        queries: Its queries.
        patients: Patients of these queries, at least ten.
        stands_out: Whether an interval at a stricter level leaves out the average.
    """

    column: str
    value: str
    risk: Share
    low: Share
    high: Share
    ratio: Annotated[float, Meta(ge=0)]
    queries: Count
    patients: Annotated[int, Meta(ge=10)]
    stands_out: bool


class RiskRow(Record, frozen=True):
    """Risk per patient, in one direction.

    Attributes:
        direction: Which side asks, and which side is searched.
        pool: Size of the pool; counts the mate.
        full: Whether the pool is all that is eligible for each query.
        chance: The risk where a scorer knows nothing.
        queries: Queries that have a pool of this size.
        patients: Patients of these queries.
        coverage: Share of all queries that have a pool of this size.
        maximum: The highest risk of any query (ISO/IEC 27559: maximum risk).
        average: The mean risk over queries, which is Recall@1 (ISO/IEC 27559: average risk).
        average_low: Lower end of its interval.
        average_high: Upper end of its interval.
        threshold: What patients are counted above.
        most_exposed: The risk of each patient's most exposed single query: a floor of the patient's own
            risk, for an attacker holds all of its queries.
        at_least_one: The probability, for each patient, that at least one of its queries is linked, where
            each is searched by itself in a pool of its own, drawn independently of the others'.
        quantiles: Quantiles over patients.
        histogram: All patients by their risk.
        strata: Strata that at least ten patients have, most exposed first.
    """

    direction: Direction
    pool: Count
    full: bool
    chance: Annotated[float, Meta(gt=0, le=1)]
    queries: Count
    patients: Count
    coverage: Share
    maximum: Share
    average: Share
    average_low: Share
    average_high: Share
    threshold: Share
    most_exposed: PatientRisk
    at_least_one: PatientRisk
    quantiles: tuple[RiskQuantile, ...]
    histogram: RiskHistogram
    strata: tuple[RiskStratum, ...]
