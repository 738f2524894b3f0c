"""What a sweep found, as `sweep.json` holds it."""

from typing import Annotated, Literal

from msgspec import Meta

from relinkage.encoders.trained.aligning import Classes, Weights
from relinkage.encoders.trained.statement import StatementKind
from relinkage.linkage.estimates import Compared
from relinkage.linkage.settings import Direction
from relinkage.options import Count, Positive, Seed, Share
from relinkage.records import Record

SCHEMA: Literal["relinkage.sweep/1"] = "relinkage.sweep/1"
SWEEP = "sweep.json"

NotNegative = Annotated[float, Meta(ge=0)]


class StatedPrivacy(Record, frozen=True):
    """What hardened heads state of themselves.

    Attributes:
        kind: Whether it is proven, nominal (the accountant's assumptions do not hold), void (the noise came
            from a seed) or refuted (the statement does not hold).
        epsilon: Its ε.
        delta: Its δ.
    """

    kind: StatementKind
    epsilon: NotNegative
    delta: NotNegative


class SweepFigure(Compared, frozen=True):
    """A measure of one kind of heads in one direction: the mean of its trainings.

    Attributes:
        direction: Which side asks.
        measure: recall@K of the mate in the stated pool; precision@K, ndcg@K and map of similar cases (a
            label in common; by Jaccard index); abnormal-auroc: normal told from abnormal across modalities.
        seed_deviation: Standard deviation over trainings that differ in their seed; null for a single one.
        queries: Queries that were measured.
        patients: Their patients.
    """

    direction: Direction
    measure: str
    seed_deviation: NotNegative | None
    queries: Count
    patients: Count


class SweptHeads(Record, frozen=True):
    """One kind of heads.

    Attributes:
        title: What it is called.
        weights: Of the objective's parts; null for heads that were not trained here.
        temperature: Of the objective; null for heads that were not trained here.
        classes: What makes a class; null for heads that were not trained here.
        heads: Folders of the trained heads, beside this file.
        privacy: What hardened heads state of themselves; null for others.
        figures: What was measured.
        balance: How far apart the two directions are, by measure.
    """

    title: str
    weights: Weights | None
    temperature: Positive | None
    classes: Classes | None
    heads: tuple[str, ...]
    privacy: StatedPrivacy | None
    figures: tuple[SweepFigure, ...]
    balance: dict[str, Share]


class SweepResult(Record, frozen=True):
    """Many head trainings on one embeddings folder, judged on the same patients.

    Holds no report text, no patient id and no pair id.

    Attributes:
        schema: The name and version of this format.
        version: The relinkage version that measured.
        model: The encoder's id.
        train: The split that heads were trained on.
        split: The split that they were judged on.
        pool: Size of the pool of recall@K.
        interval: Confidence level of the intervals.
        replicates: Bootstrap replicates that intervals are made of.
        seed: Seed of the replicates.
        pairs: Pairs that were tested.
        patients: Their patients.
        baseline: Title of the row that the others are set against.
        rows: A row for each kind of heads.
    """

    schema: Literal["relinkage.sweep/1"] = SCHEMA
    version: str
    model: str
    train: str
    split: str
    pool: Count
    interval: Annotated[float, Meta(gt=0, lt=1)]
    replicates: Count
    seed: Seed
    pairs: Count
    patients: Count
    baseline: str
    rows: Annotated[tuple[SweptHeads, ...], Meta(min_length=1)]
