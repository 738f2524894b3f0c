"""What a table of defences found, as `defences.json` holds it."""

from typing import Annotated, Literal

from msgspec import Meta

from relinkage.attackers.names import AttackerName
from relinkage.defences.settings import ControlSettings, Measure
from relinkage.encoders.card import EncoderCard
from relinkage.encoders.trained.manifest import HeadsManifest
from relinkage.linkage.estimates import Compared, Estimate, RelativeChange
from relinkage.options import Count, Share
from relinkage.records import Record

SCHEMA: Literal["relinkage.defences/1"] = "relinkage.defences/1"
DEFENCES = "defences.json"
STRONGEST: Literal["strongest"] = "strongest"
"""The name of figures of whichever attacker links most, on either side of a comparison."""

NotNegative = Annotated[float, Meta(ge=0)]


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


class Match(Record, frozen=True):
    """The setting of a control that was found for the usefulness of the hardened heads.

    Attributes:
        setting: The value of what was turned.
        measure: The measure of usefulness that was matched.
        target: That of the hardened heads.
        reached: That of the control.
        held: Whether the two differ by no more than the tolerance.
    """

    setting: float
    measure: Measure
    target: Share
    reached: Share
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


class LinkageRow(Record, frozen=True):
    """What one attacker links.

    Attributes:
        attacker: Its name, or `strongest`: whichever links most, on each side of the comparison for itself.
        recall: Recall@1.
        chance: What a scorer without knowledge reaches.
        lift: Recall / chance.
        relative: The change from the published heads; null for these, and where their recall is 0.
    """

    attacker: AttackerName | Literal["strongest"]
    recall: Estimate
    chance: Share
    lift: NotNegative
    relative: RelativeChange | None


class Precision(Compared, frozen=True):
    """Label precision@K from image to report.

    Attributes:
        queries: Images that have anything to ask for.
    """

    queries: Count


class DefenceFigures(Record, frozen=True):
    """What was found of the heads of one row on one cohort; intervals are those of the first seed.

    Attributes:
        linkage: Linkage, attacker by attacker, and by the strongest.
        strongest: The attacker that links these heads most.
        auroc: Macro AUROC of a linear probe.
        precision: Label precision; null for features before any head.
        zero_shot: Macro AUROC of zero-shot labels; null where no text tower could be asked.
        seeds: Trainings or draws.
        points: The figures of each seed without intervals: Recall@1 by attacker and of the strongest, auroc,
            precision and zero_shot.
        deviation: Standard deviation of the points over seeds (n - 1); null for one seed.
    """

    linkage: Annotated[tuple[LinkageRow, ...], Meta(min_length=1)]
    strongest: AttackerName
    auroc: Compared
    precision: Precision | None
    zero_shot: Compared | None
    seeds: Count
    points: Annotated[tuple[dict[str, NotNegative | None], ...], Meta(min_length=1)]
    deviation: dict[str, NotNegative | None]


class DefenceCohort(Record, frozen=True):
    """A cohort on which all rows were judged.

    Attributes:
        name: Its name.
        fingerprint: Of its content.
        pairs: Pairs that are tested.
        studies: Their studies.
        patients: Their patients.
        pool: The pool that Recall@1 is stated at.
        candidates: Candidates that are searched.
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
    pool: Annotated[int, Meta(ge=2)]
    candidates: Annotated[int, Meta(ge=2)]
    auxiliary_pairs: Count
    auxiliary_patients: Count
    labels: Annotated[tuple[str, ...], Meta(min_length=1)]
    figures: dict[str, DefenceFigures]


class DefencesResult(Record, frozen=True):
    """Hardened heads beside their controls: linkage by several attackers, and usefulness.

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
    settings: ControlSettings
    rows: Annotated[tuple[DefenceRow, ...], Meta(min_length=2)]
    cohorts: Annotated[tuple[DefenceCohort, ...], Meta(min_length=1)]
    notes: tuple[str, ...]
