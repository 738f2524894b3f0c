"""What a table of defences found, as `defences.json` holds it."""

from typing import Annotated, Literal

from msgspec import Meta

from relinkage.attackers.names import AttackerName
from relinkage.defences.settings import DefendSettings, Matched
from relinkage.encoders.card import EncoderCard
from relinkage.encoders.trained.manifest import HeadsManifest
from relinkage.linkage.estimates import Compared, Estimate, RelativeChange
from relinkage.linkage.settings import Direction
from relinkage.options import Count, Share
from relinkage.records import Record

SCHEMA: Literal["relinkage.defences/1"] = "relinkage.defences/1"
DEFENCES = "defences.json"
STRONGEST: Literal["strongest"] = "strongest"
"""The name of figures of whichever attacker links most, on either side of a comparison."""

NotNegative = Annotated[float, Meta(ge=0)]
Trainings = Annotated[tuple[Share, ...], Meta(min_length=1)]
Negatives = Literal["all", "labels"]
UseMeasure = Literal["precision", "auroc", "zero-shot"]


class DefencesInputs(Record, frozen=True):
    """What was judged.

    Attributes:
        embeddings: Name of the embeddings folder.
        model: The encoder's card.
        train: The split that trained the heads.
        hardened: The manifest of the hardened heads, with their privacy statement.
    """

    embeddings: str
    model: EncoderCard
    train: str
    hardened: HeadsManifest


class BothWays(Record, frozen=True):
    """Label precision@K in both directions.

    Attributes:
        image_to_report: An image asks for reports of similar cases.
        report_to_image: A report asks for images of similar cases.
    """

    image_to_report: Share
    report_to_image: Share


class Match(Record, frozen=True):
    """The setting of a baseline that was found for the usefulness of the hardened heads.

    Attributes:
        setting: The value of what was turned.
        measure: What was matched: label precision in one direction, or in both, which means as much in one
            and no less in the other.
        target: That of the hardened heads.
        reached: That of the baseline.
        held: Whether they differ by no more than the tolerance in what was matched.
    """

    setting: float
    measure: Matched
    target: BothWays
    reached: BothWays
    held: bool


class DefenceRow(Record, frozen=True):
    """A row of the table.

    Attributes:
        key: Its short name.
        title: Its name for people.
        applies: Whether there is anything to measure; where not, `note` says why.
        note: What it is.
        knob: What was turned until the row was as useful as the hardened heads; null for other rows.
        matched: What was found then; null for other rows.
    """

    key: str
    title: str
    applies: bool
    note: str
    knob: str | None
    matched: Match | None


class Search(Record, frozen=True):
    """Who asks, and among whom is searched.

    Attributes:
        direction: Which side asks.
        negatives: Whether distractors are all candidates, or those of other patients with
            the query's own labels.
        pool: Candidates that are searched: the mate and its distractors.
        queries: Queries that have so many.
    """

    direction: Direction
    negatives: Negatives
    pool: Annotated[int, Meta(ge=2)]
    queries: Count


class LinkageRow(Search, frozen=True):
    """What one attacker links in one search.

    Attributes:
        attacker: Its name, or `strongest`: whichever of those tried links most on the released vectors, on
            each side of the comparison for itself.
        by: The attacker itself.
        recall: Recall@1 of the first training; the interval is over patients and, where there are several
            trainings, holds another training too.
        chance: What a scorer without knowledge reaches.
        lift: Recall / chance.
        relative: The change from the published heads; null for these, and where their recall is 0.
        trainings: Recall@1 of each training or draw, the first one first.
    """

    attacker: AttackerName | Literal["strongest"]
    by: AttackerName
    recall: Estimate
    chance: Share
    lift: NotNegative
    relative: RelativeChange | None
    trainings: Trainings


class UseRow(Compared, frozen=True):
    """One measure of what heads are still useful for; intervals are made as those of linkage are.

    Attributes:
        measure: Label precision@K of clinical retrieval, the macro AUROC of a linear probe on images, or that
            of zero-shot labels.
        direction: Which side asks, for label precision; null for the others, which have images alone.
        queries: Queries that have anything to ask for, or images.
        trainings: The figure of each training or draw, the first one first.
    """

    measure: UseMeasure
    direction: Direction | None
    queries: Count
    trainings: Trainings


class DefenceFigures(Record, frozen=True):
    """What was found of the heads of one row on one cohort.

    Attributes:
        linkage: Linkage: search by search, in each attacker by attacker and by the strongest.
        use: What they are useful for: label precision in both directions first. Features before any head have
            the probe alone; zero-shot labels are there where a text tower could be asked.
        use_held: Whether use is held: label precision of both directions and the AUROC of zero-shot labels
            each lose at most 2 points by the lower end of the interval, and each beats the upper end of a
            random image head. Null for the published heads, and where there is no retrieval.
    """

    linkage: Annotated[tuple[LinkageRow, ...], Meta(min_length=1)]
    use: Annotated[tuple[UseRow, ...], Meta(min_length=1)]
    use_held: bool | None


class DefenceCohort(Record, frozen=True):
    """A cohort on which all rows were judged.

    Attributes:
        name: Its name.
        fingerprint: Of its content.
        pairs: Pairs that are tested.
        studies: Their studies.
        patients: Their patients.
        candidates: Reports that are searched.
        searches: What is searched: the largest pool and the smallest, the smallest inside the query's own
            label stratum, and the largest from report to image.
        auxiliary_pairs: Pairs that attackers know.
        auxiliary_patients: Patients of these pairs.
        labels: Labels that enough patients have.
        figures: What was found, by the key of the row.
    """

    name: str
    fingerprint: str
    pairs: Count
    studies: Count
    patients: Count
    candidates: Annotated[int, Meta(ge=2)]
    searches: Annotated[tuple[Search, ...], Meta(min_length=1)]
    auxiliary_pairs: Count
    auxiliary_patients: Count
    labels: Annotated[tuple[str, ...], Meta(min_length=1)]
    figures: dict[str, DefenceFigures]


class DefencesResult(Record, frozen=True):
    """Hardened heads beside their baselines: linkage by several attackers, and usefulness.

    Judged on patients that trained none of them. Holds no report text, no patient id and no pair id.

    Attributes:
        schema: The name and version of this format.
        version: The relinkage version that measured.
        inputs: What was judged.
        settings: The choices.
        rows: The rows of the table, in order.
        cohorts: The tested cohort, then the one that the same heads were carried over to.
        notes: What was left out, and what to beware of.
    """

    schema: Literal["relinkage.defences/1"] = SCHEMA
    version: str
    inputs: DefencesInputs
    settings: DefendSettings
    rows: Annotated[tuple[DefenceRow, ...], Meta(min_length=2)]
    cohorts: Annotated[tuple[DefenceCohort, ...], Meta(min_length=1)]
    notes: tuple[str, ...]
