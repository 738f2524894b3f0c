"""What a utility measurement found, as `utility.json` holds it."""

from typing import Annotated, Literal

from msgspec import Meta

from relinkage.alignment.used import HeadsUsed
from relinkage.embeddings.manifest import CohortOrigin
from relinkage.encoders.card import EncoderCard
from relinkage.linkage.estimates import Compared
from relinkage.linkage.settings import Direction
from relinkage.options import Count, Positive, Share
from relinkage.records import Fingerprint, Record
from relinkage.usefulness.settings import UtilitySettings

SCHEMA: Literal["relinkage.utility/1"] = "relinkage.utility/1"
UTILITY = "utility.json"
MACRO = "macro"
"""The label of rows that are means over all kept labels."""

Size = Annotated[int, Meta(ge=0)]
Measure = Literal["precision", "precision-same-labels", "ndcg", "map"]


class UtilityInputs(Record, frozen=True):
    """What was measured, by fingerprint.

    Attributes:
        embeddings: Name of the embeddings folder.
        model: The encoder's card.
        cohort: The cohort that was embedded.
        features: Fingerprint of the features: of the images fitted on, of the images and reports tested.
        measured: The heads; null where the model has none and none were named.
        baseline: The heads that they are compared with; null where there are none.
    """

    embeddings: str
    model: EncoderCard
    cohort: CohortOrigin
    features: Fingerprint
    measured: HeadsUsed | None
    baseline: HeadsUsed | None


class FittedPairs(Record, frozen=True):
    """What probes were fitted on.

    Attributes:
        pairs: Pairs.
        patients: Their patients.
    """

    pairs: Count
    patients: Count


class TestedPairs(FittedPairs, frozen=True):
    """What everything was measured on.

    Attributes:
        studies: Their studies.
    """

    studies: Count


class LabelUse(Record, frozen=True):
    """How many patients a label rests on.

    Attributes:
        label: Its name.
        fit_positive: Patients of the fit split with a positive image.
        fit_negative: Patients of the fit split with a negative one.
        test_positive: Patients of the tested split with a positive image.
        test_negative: Patients of the tested split with a negative one.
        kept: Whether all four reach the least number asked for.
    """

    label: str
    fit_positive: Size
    fit_negative: Size
    test_positive: Size
    test_negative: Size
    kept: bool


class AurocRow(Compared, frozen=True):
    """An area under the ROC curve.

    Attributes:
        label: A label of the cohort, or `macro`: the mean over all kept labels.
        images: Test images that count for the label.
        positive: Of these, positive ones; for `macro`, images with any positive label.
        patients: Patients that limit the interval: the fewer of those with a positive and with a negative
            image; for `macro`, all.
    """

    label: str
    images: Size
    positive: Size
    patients: Count


class ProbeRow(AurocRow, frozen=True):
    """The AUROC of a linear probe.

    Attributes:
        on: What it was fitted on: embeddings, or the features before any head.
        penalty: The L2 penalty that was chosen.
        baseline_penalty: The same of the baseline; null where there is none.
    """

    on: Literal["embeddings", "features"]
    penalty: Positive
    baseline_penalty: Positive | None


class RetrievalRow(Compared, frozen=True):
    """A measure of clinical retrieval.

    Attributes:
        direction: Which side asks.
        measure: What is measured of the cases that are found.
        k: How many of them; null where it is the whole order.
        queries: Queries that were measured.
        patients: Their patients.
        coverage: Share of all queries that have anything to find.
        candidates: The most candidates that a query has.
    """

    direction: Direction
    measure: Measure
    k: Count | None
    queries: Count
    patients: Count
    coverage: Share
    candidates: Count


class Geometry(Record, frozen=True):
    """How images and reports lie in the shared space.

    Attributes:
        modality_gap: Distance of the mean image from the mean report (Liang et al. 2022, arXiv 2203.02053):
            0 where both lie around one point, 2 at most.
        alignment: Mean squared distance of an image and its report (Wang & Isola 2020, arXiv 2005.10242,
            α = 2): 0 where they coincide, 2 where they are as far apart as random directions.
        image_uniformity: Log of the mean of exp(−2 ‖u − v‖²) over pairs of images (ibid., t = 2): 0 where all
            coincide; the lower, the more evenly they fill the sphere.
        report_uniformity: The same over pairs of reports.
    """

    modality_gap: Annotated[float, Meta(ge=0)]
    alignment: Annotated[float, Meta(ge=0)]
    image_uniformity: float
    report_uniformity: float


class ComparedGeometry(Record, frozen=True):
    """The shape of the shared space; descriptive, without intervals.

    Attributes:
        measured: Of the heads.
        baseline: Of the baseline; null where there is none.
    """

    measured: Geometry
    baseline: Geometry | None


class Prompt(Record, frozen=True):
    """What is said of one label.

    Attributes:
        positive: Sentences that say it is there.
        negative: Sentences that say it is not.
    """

    positive: Annotated[tuple[str, ...], Meta(min_length=1)]
    negative: Annotated[tuple[str, ...], Meta(min_length=1)]


class UtilityResult(Record, frozen=True):
    """What heads are good for, beside a baseline.

    Holds no report text, no patient id and no pair id.

    Attributes:
        schema: The name and version of this format.
        version: The relinkage version that measured.
        inputs: What was measured.
        settings: The choices.
        tested: What everything was measured on.
        fitted: What probes were fitted on.
        labels: Every label of the cohort, with the patients of each split who have a positive and a negative
            image.
        probe: Linear probes, the mean over labels first.
        zero_shot: Zero-shot labels, the mean over labels first; empty where no text tower could be asked.
        retrieval: Clinical retrieval; empty where the model has no heads and none were named.
        geometry: The shape of the shared space; null where there is none.
        prompts: What zero-shot classification asked, by label.
        notes: What was left out, and what to beware of.
    """

    schema: Literal["relinkage.utility/1"] = SCHEMA
    version: str
    inputs: UtilityInputs
    settings: UtilitySettings
    tested: TestedPairs
    fitted: FittedPairs
    labels: Annotated[tuple[LabelUse, ...], Meta(min_length=1)]
    probe: Annotated[tuple[ProbeRow, ...], Meta(min_length=1)]
    zero_shot: tuple[AurocRow, ...]
    retrieval: tuple[RetrievalRow, ...]
    geometry: ComparedGeometry | None
    prompts: dict[str, Prompt]
    notes: tuple[str, ...]
