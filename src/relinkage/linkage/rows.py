"""The rows of an audit over pools of a size: recall, ranks, controls, and what distractors share."""

from typing import Annotated, Literal

from msgspec import Meta

from relinkage.linkage.settings import Direction, Uncertain, Varies
from relinkage.options import Count, Positive, Share
from relinkage.records import Record

Rank = Annotated[float, Meta(ge=1)]
Size = Annotated[int, Meta(ge=0)]
Control = Literal["scrambled mates", "random scorer", "stratum scorer"]
Target = Literal["text", "patient"]


class Row(Record, frozen=True):
    """A row about one direction and kind of distractors.

    Attributes:
        direction: Which side asks, and which side is searched.
        negatives: What distractors share with the query: `all` for every eligible candidate, or the names of
            columns.
    """

    direction: Direction
    negatives: str


class PoolRow(Row, frozen=True):
    """A row about pools of one size.

    Attributes:
        pool: Size of the pool; counts the mate where it is in the pool.
        full: Whether the pool is all that is eligible; its size is then the largest that any query has.
    """

    pool: Count
    full: bool


class RecallRow(PoolRow, frozen=True):
    """Recall@K in pools of one size.

    Attributes:
        k: The rank K.
        recall: Exact expectation over all pools of that size, ties broken at random.
        low: Lower end of the interval, a bootstrap over patients. Where the pool holds at most K candidates,
            every mate is among the first K whoever is asked, and both ends are the recall itself.
        high: Upper end of the interval.
        varies: What the interval lets vary. With the gallery held fixed it speaks of other patients asked
            about; otherwise of other patients who bring other candidates.
        chance: What a scorer that knows nothing reaches.
        lift: recall / chance.
        queries: Queries that have a pool of this size.
        patients: Patients of these queries.
        effective_patients: As many patients with equally many queries would tell as much: (Σn)² / Σn², n the
            queries of a patient. It equals `patients` where all have as many queries.
        coverage: Share of all queries that have a pool of this size.
        on_chance: Whether an interval at a stricter level covers chance: the level at which, of a hundred
            audits of models that link nothing, one at most has a row off chance. Controls share such a level
            among themselves, and so do all other rows.
        queries_found: Of these queries, how many find a hit among the first K. It speaks of the queries at
            hand, so it has no interval; ties, and pools smaller than the full one, in expectation. The
            attacker does not know which these are.
        patients_found: Patients of whom at least one query does, each query in a pool of its own; ties of
            different queries are broken independently.
        refits: Rounds of drawn pools on each of which the attacker was fitted anew; recall is then a mean
            over these pools. 0 where it is the exact expectation.
    """

    k: Count
    recall: Share
    low: Share
    high: Share
    varies: Varies
    chance: Annotated[float, Meta(gt=0, le=1)]
    lift: Annotated[float, Meta(ge=0)]
    queries: Count
    patients: Count
    effective_patients: Annotated[float, Meta(ge=1)]
    coverage: Share
    on_chance: bool
    queries_found: Annotated[float, Meta(ge=0)]
    patients_found: Annotated[float, Meta(ge=0)]
    refits: Size


class ControlRow(RecallRow, frozen=True):
    """Recall@K of an attacker who knows nothing.

    Attributes:
        control: Which attacker.
    """

    control: Control


class TargetRow(RecallRow, frozen=True):
    """Recall@K where more than the one mate counts as a hit.

    Attributes:
        target: A hit is any candidate with the text of the mate, or any of the patient of the query.
    """

    target: Target


class RankFigures(Record, frozen=True):
    """Ranks of the mates.

    Attributes:
        mrr: Mean of 1 / rank.
        median_rank: Median over queries.
        mean_rank: Mean over queries.
    """

    mrr: Share
    median_rank: Rank
    mean_rank: Rank


class RankRow(PoolRow, frozen=True):
    """Expected ranks of the mates in pools of one size.

    Attributes:
        mrr: Mean of 1 / rank.
        mrr_low: Lower end of its interval.
        mrr_high: Upper end of its interval.
        median_rank: Median over queries of the expected rank.
        mean_rank: Mean over queries of the expected rank.
        queries: Queries that have a pool of this size.
        optimistic: The same figures with every tie below the mate.
        pessimistic: The same figures with every tie above the mate.
    """

    mrr: Share
    mrr_low: Share
    mrr_high: Share
    median_rank: Rank
    mean_rank: Rank
    queries: Count
    optimistic: RankFigures
    pessimistic: RankFigures


class RankDistribution(Row, frozen=True):
    """How the mates rank in all that is eligible.

    Attributes:
        edges: Relative ranks from 1 / pool to 1; bins are closed at the left, the last at both ends.
        counts: Queries in each bin.
    """

    edges: Annotated[tuple[Annotated[float, Meta(gt=0, le=1)], ...], Meta(min_length=2)]
    counts: Annotated[tuple[Size, ...], Meta(min_length=1)]


class LevelRow(Record, frozen=True):
    """A level of hard negatives: what a value of `negatives` means.

    Attributes:
        negatives: The level's name in other rows.
        columns: Distractors share the query's value in each of them.
        uncertain: What an uncertain label counts as.
        strata: Combinations of values that the studies of queries have, a blank among them; where blanks are
            left out, those without one.
        largest: Most eligible candidates that a query has, the mate included.
        median_stratum_of_a_query: Half of the queries have at most that many eligible candidates, the mate
            included.
        alone: Share of queries without any distractor; they leave the rows.
    """

    negatives: str
    columns: Annotated[tuple[str, ...], Meta(min_length=1)]
    uncertain: Uncertain
    strata: Size
    largest: Count
    median_stratum_of_a_query: Annotated[float, Meta(ge=1)]
    alone: Share


class EntropyQuantile(Record, frozen=True):
    """A quantile of the entropy.

    Attributes:
        share: Of queries, from the lowest entropy up.
        entropy: No more than this.
    """

    share: Share
    entropy: Share


class EntropyRow(Record, frozen=True):
    """How much the scores of a query leave open.

    The entropy of the softmax of its scores with all candidates, divided by the logarithm of their number.

    Attributes:
        direction: Which side asks, and which side is searched.
        temperature: Of the softmax.
        candidates: Candidates of a query, at most.
        entropy: Mean over queries: 0 where one candidate takes all, 1 where nothing is told apart.
        low: Lower end of the interval of the mean.
        high: Upper end of the interval of the mean.
        median: Median over queries.
        quantiles: Further quantiles.
        queries: Queries that were looked at.
        patients: Patients of these queries.
        sampled: Whether these queries are a sample of all.
    """

    direction: Direction
    temperature: Positive
    candidates: Count
    entropy: Share
    low: Share
    high: Share
    median: Share
    quantiles: tuple[EntropyQuantile, ...]
    queries: Count
    patients: Count
    sampled: bool


class AssignmentRow(Record, frozen=True):
    """How many studies an optimal one-to-one assignment gives their report, over all that is attacked.

    Attributes:
        studies: Studies of the queries; the scores of a study's images are added up.
        candidates: Candidates that they are matched with.
        matched: Studies that are given their own report; a count of the studies at hand.
        share: matched / studies.
        low: Lower end of the interval, a bootstrap over patients with the assignment as it is.
        high: Upper end of the interval.
        chance: What a scorer that knows nothing reaches.
        patients: Patients of these studies.
    """

    studies: Count
    candidates: Count
    matched: Size
    share: Share
    low: Share
    high: Share
    chance: Annotated[float, Meta(gt=0, le=1)]
    patients: Count


class Duplicates(Record, frozen=True):
    """What reports with equal texts mean for the audit.

    Attributes:
        known: Whether report texts could be compared; if not, equal vectors stand for equal texts.
        texts: Distinct candidate texts.
        largest: Candidates that share the commonest text.
        queries_sharing: Share of queries whose report text is another study's too.
        recall_at_1_ceiling: Recall@1 over the full gallery that nobody can pass, because equal texts cannot
            be told apart.
    """

    known: bool
    texts: Count
    largest: Count
    queries_sharing: Share
    recall_at_1_ceiling: Share
