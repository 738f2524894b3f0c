"""What an audit found, as `audit.json` holds it."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from relinkage.embeddings.manifest import CohortOrigin
from relinkage.encoders.card import EncoderCard
from relinkage.encoders.trained.manifest import HeadsManifest
from relinkage.linkage.open_set_rows import DetCurve, OpenSetRow
from relinkage.linkage.risk_rows import RiskRow
from relinkage.linkage.rows import (
    AssignmentRow,
    ControlRow,
    Duplicates,
    EntropyRow,
    LevelRow,
    RankDistribution,
    RankRow,
    RecallRow,
    Size,
    TargetRow,
)
from relinkage.linkage.settings import AuditSettings, On
from relinkage.options import Count, Share
from relinkage.records import Record

SCHEMA: Literal["relinkage.audit/1"] = "relinkage.audit/1"


class InputFile(Record, frozen=True):
    """One of the inputs.

    Attributes:
        file: Its name, without the folder.
        rows: Its rows.
        dtype: The type of its numbers; null for a table.
        fingerprint: Of its content.
    """

    file: str
    rows: Count
    dtype: str | None = None
    fingerprint: str


class AuditedHeads(Record, frozen=True):
    """Projection heads that were put on.

    Attributes:
        file: Their folder or file, without its own folder.
        manifest: What they say of themselves; null where nothing is written.
    """

    file: str
    manifest: HeadsManifest | None


class Inputs(Record, frozen=True):
    """What made the vectors; all null where the audit was called from Python on bare arrays.

    Attributes:
        kind: Whether files of arrays or an embeddings folder was audited.
        images: The vectors of the images.
        reports: The vectors of the reports.
        pairs: The table of pairs, where one was given beside arrays.
        model: The card of the encoder.
        heads: The projection heads that were put on, where they are not the encoder's own.
        cohort: The cohort that was embedded.
        split: The split that was audited; null for all pairs.
        truncated_share: Share of reports that were cut at the model's own token limit, after the token budget
            where there is one.
        token_budget: Words and punctuation marks of a report that the encoder was given at most; null where
            it was given all, or where that is not known.
        cut_share: Share of reports that were cut at the token budget; null where there is none.
    """

    kind: Literal["arrays", "embeddings"] | None = None
    images: InputFile | None = None
    reports: InputFile | None = None
    pairs: InputFile | None = None
    model: EncoderCard | None = None
    heads: AuditedHeads | None = None
    cohort: CohortOrigin | None = None
    split: str | None = None
    truncated_share: Share | None = None
    token_budget: Count | None = None
    cut_share: Share | None = None

    @property
    def fingerprints(self) -> tuple[str, str] | None:
        """The fingerprints of both sides; None where they are not known."""
        if self.images is None or self.reports is None:
            return None
        return self.images.fingerprint, self.reports.fingerprint


class AttackerUsed(Record, frozen=True):
    """Who scored, where it was an attacker that `relinkage attack` names.

    Attributes:
        name: The attacker.
        on: What it saw: vectors of the shared space, or features before any head.
        auxiliary_pairs: Pairs of other patients that it learned from.
        auxiliary_patients: Patients of these pairs.
        auxiliary_split: The split that they were drawn from; null where it needs none.
        asked_for: Auxiliary pairs that were asked for; null where it needs none.
        pools: The pools that its figures hold for: every, or full where it was fitted on the attacked
            gallery.
        together: What it knew to belong together and added up: each image alone, or the images of a study or
            of a patient.
        refits: Rounds of drawn pools that it was fitted on, for rows at pools smaller than the gallery.
        seed: Of whatever was drawn.
        settings: What it chose and from what, such as a penalty or a number of components.
    """

    name: str
    on: On
    auxiliary_pairs: Size
    auxiliary_patients: Size
    auxiliary_split: str | None = None
    asked_for: Count | None = None
    pools: Literal["every", "full"] = "every"
    together: Literal["image", "study", "patient"] = "image"
    refits: Size = 0
    seed: int
    settings: dict[str, Any]


class AuditResult(Record, frozen=True):
    """What `relinkage audit` found: how often an image is linked to its report, at every pool size.

    With intervals and controls. Holds no report text and no patient id.

    Attributes:
        schema: The name and version of this format.
        version: The relinkage version that measured.
        name: What the audit calls the model or the arrays.
        queries: Queries.
        candidates: Candidates that are searched.
        dimension: Numbers of a vector.
        patients: Clusters of the bootstrap; where patients are not known, studies.
        effective_patients: As many patients with equally many queries would tell as much; fewer than
            `patients` where some have many more queries than others.
        patients_known: Whether patients were given.
        studies: Studies of the queries.
        inputs: What made the vectors.
        attacker: Who scored, where it is not plain cosine on the vectors as they are.
        settings: The choices, as they took effect: pools and ranks of the rows, the pool of the risk, the
            engine that counted.
        closed_set: Recall@K at the pool sizes that were asked for.
        curve: The same at many pool sizes, from 2 to the full gallery, for the figures.
        ranks: Expected ranks of the mates at the pool sizes that were asked for.
        rank_distribution: How the mates rank in all that is eligible.
        controls: Attackers who know nothing, and must sit on chance.
        strata: The hard negatives: what each level of `negatives` means, coarse to fine.
        entropy: How much the scores of a query leave open, a row a direction.
        open_set: The open set, a row per direction, score, pool and rate of false claims; empty where it was
            not asked for.
        det: The open set as trade-off curves, a curve per direction, score and pool.
        open_set_sample: Queries of the larger half of the patients that the open set looks at; those of both
            halves are the sample of the entropy.
        targets: Recall@K where more than the one mate counts as a hit.
        risk: Risk per patient, a row a direction.
        assignment: All studies and candidates matched one to one by these scores; null where not asked for.
        pseudonymised: Whether ids of pairs and numbers of patients in linkage.parquet are replaced.
        duplicates: What reports with equal texts mean for the audit.
        notes: What else a reader should know, a sentence each.
    """

    schema: Literal["relinkage.audit/1"] = SCHEMA
    version: str
    name: str
    queries: Count
    candidates: Count
    dimension: Count
    patients: Count
    effective_patients: Annotated[float, Meta(ge=1)]
    patients_known: bool
    studies: Count
    inputs: Inputs
    attacker: AttackerUsed | None = None
    settings: AuditSettings
    closed_set: Annotated[tuple[RecallRow, ...], Meta(min_length=1)]
    curve: tuple[RecallRow, ...]
    ranks: tuple[RankRow, ...]
    rank_distribution: tuple[RankDistribution, ...]
    controls: tuple[ControlRow, ...]
    strata: tuple[LevelRow, ...]
    entropy: tuple[EntropyRow, ...]
    open_set: tuple[OpenSetRow, ...]
    det: tuple[DetCurve, ...]
    open_set_sample: Count
    targets: tuple[TargetRow, ...]
    risk: tuple[RiskRow, ...]
    assignment: AssignmentRow | None = None
    pseudonymised: bool = False
    duplicates: Duplicates
    notes: tuple[str, ...]
