"""What a comparison of runs found, as `comparison.json` holds it."""

from typing import Annotated, Literal

from msgspec import Meta

from relinkage.linkage.estimates import Relative, Signed
from relinkage.linkage.settings import Direction, Distractors, Resampling
from relinkage.options import Count, Share
from relinkage.records import Fingerprint, Record

SCHEMA: Literal["relinkage.comparison/1"] = "relinkage.comparison/1"
COMPARISON = "comparison.json"

P = Annotated[float, Meta(gt=0, le=1)]


class ComparedRun(Record, frozen=True):
    """A run that was compared.

    Attributes:
        name: What its audit calls it, with its number where names repeat.
        folder: The name of its folder; null where it was compared in memory.
        queries: Its queries.
        audit: Fingerprint of its audit.json, where it has a folder.
        linkage: Fingerprint of its linkage.parquet, where it has a folder.
    """

    name: str
    folder: str | None = None
    queries: Count
    audit: Fingerprint | None = None
    linkage: Fingerprint | None = None


class ComparisonSettings(Resampling, frozen=True):
    """How runs were compared; interval, replicates and seed are the baseline's.

    Attributes:
        distractors: Whether the patient's other studies are in the pools.
        flips: Random assignments of signs where not all are enumerated.
        exact_up_to: Patients with a difference up to which all assignments are enumerated.
    """

    distractors: Distractors
    flips: Count
    exact_up_to: Count


class SharedQueries(Record, frozen=True):
    """What all runs share in one direction.

    Attributes:
        direction: Which side asks.
        queries: Queries that all runs asked.
        patients: Their patients.
    """

    direction: Direction
    queries: Count
    patients: Count


class ComparisonRow(Record, frozen=True):
    """How Recall@K of one run differs from the baseline's.

    Attributes:
        run: Place of the run in `runs`; the baseline has place 0.
        direction: Which side asks.
        negatives: The kind of distractors, as in the audits.
        pool: Pool size, the mate included; of a full pool, the largest that any query has.
        full: Whether the pool is all that is eligible for each query.
        k: The rank K.
        chance: What a scorer without knowledge reaches.
        queries: Shared queries that have so large a pool.
        patients: Their patients: the units of the intervals and of the test.
        before: Recall@K of the baseline over these queries.
        before_low: Lower end of its interval.
        before_high: Upper end of its interval.
        after: Recall@K of the run over these queries.
        after_low: Lower end of its interval.
        after_high: Upper end of its interval.
        difference: After - before.
        difference_low: Lower end of its paired interval.
        difference_high: Upper end of its paired interval.
        relative: After / before - 1; null where before is 0.
        relative_low: Lower end of its paired interval; null where before is 0.
        relative_high: Upper end of its paired interval; null where before is 0, or where no bound follows.
        p: Two-sided p-value of a sign-flip permutation over patients.
        p_holm: The same, adjusted by Holm's method over all rows.
        exact: Whether all assignments of signs were enumerated.
    """

    run: Count
    direction: Direction
    negatives: Annotated[str, Meta(min_length=1)]
    pool: Count
    full: bool
    k: Count
    chance: P
    queries: Count
    patients: Count
    before: Share
    before_low: Share
    before_high: Share
    after: Share
    after_low: Share
    after_high: Share
    difference: Signed
    difference_low: Signed
    difference_high: Signed
    relative: Relative | None
    relative_low: Relative | None
    relative_high: Relative | None
    p: P
    p_holm: P
    exact: bool


class ComparisonResult(Record, frozen=True):
    """How recall moved from a baseline to other runs on the queries that all share.

    Holds no report text, no patient id and no pair id.

    Attributes:
        schema: The name and version of this format.
        version: The relinkage version that compared.
        runs: The compared runs, the baseline first.
        settings: How they were compared.
        shared: What all runs share, a row per direction.
        rows: How recall moved, run by run.
        notes: What was left out or taken on trust.
    """

    schema: Literal["relinkage.comparison/1"] = SCHEMA
    version: str
    runs: Annotated[tuple[ComparedRun, ...], Meta(min_length=2)]
    settings: ComparisonSettings
    shared: Annotated[tuple[SharedQueries, ...], Meta(min_length=1)]
    rows: Annotated[tuple[ComparisonRow, ...], Meta(min_length=1)]
    notes: tuple[str, ...]
