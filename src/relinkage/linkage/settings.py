"""The choices of an audit, checked when they are made."""

from typing import Annotated, Literal

from msgspec import Meta

from relinkage.errors import InputError
from relinkage.options import Option, Seed, Settings

FULL: Literal["full"] = "full"
PoolSize = Literal["full"] | Annotated[int, Meta(ge=2)]
"""A pool size, or "full": all that is eligible for each query."""
Rate = Annotated[float, Meta(gt=0, lt=1)]
Direction = Literal["image-to-report", "report-to-image"]
Varies = Literal["patients", "patients-and-gallery"]
"""What intervals let vary: the patients asked about alone, or the candidates that they bring too."""
Directions = Literal["image-to-report", "report-to-image", "both"]
Distractors = Literal["all", "other-patients"]
SeveralReports = Literal["mean", "first", "each"]
"""What a study with several different reports is as a candidate."""
Uncertain = Literal["own", "positive", "negative", "absent"]
Missing = Literal["wildcard", "own", "exclude"]
On = Literal["embeddings", "features"]
"""What is compared: vectors of the shared space, or what the frozen encoders give before any head."""

DEFAULT_POOLS: tuple[PoolSize, ...] = (100, 1000, 10000, FULL)
DEFAULT_RANKS = (1, 5, 10)
Pools = Annotated[
    tuple[PoolSize, ...] | None,
    Option(
        noun="pool size",
        wanted="whole numbers from 2 up, or full",
        default=",".join(map(str, DEFAULT_POOLS)),
    ),
]
"""The pool sizes that figures are stated at; the usual ones where it is None."""
DEFAULT_TEMPERATURE = 0.07


class Resampling(Settings, frozen=True):
    """How intervals are made.

    Attributes:
        interval: Confidence level of the intervals.
        replicates: Bootstrap replicates that intervals are made of.
        seed: Seed of everything that is drawn at random.
    """

    interval: Annotated[float, Meta(gt=0, lt=1), Option(noun="confidence level")] = 0.95
    replicates: Annotated[int, Meta(ge=100), Option(noun="number of replicates")] = 2000
    seed: Seed = 0


class AuditSettings(Resampling, frozen=True):
    """The choices of an audit.

    Attributes:
        pool: Pool sizes: the mate and its distractors, or full for all that is eligible for each query.
        k: Ranks K of Recall@K.
        direction: Which side asks, and which side is searched.
        distractors: Whether the patient's other studies are in the pool.
        several_reports: What a study with several different reports is: one candidate with the mean of their
            unit vectors, or with the first of them alone, or each report a candidate of its own.
        hard_negatives: Columns that distractors must share with the query; labels stands for all labels.
        ladder: Measure with harder and harder negatives: labels, view, sex and age, length of the report.
        uncertain: What an uncertain label counts as in hard negatives; own is a value of its own.
        missing: What a blank in view, sex or another named column means in hard negatives. With wildcard
            the attacker narrows where he can: a query without a value meets all candidates, one with a value
            those that have it. With own a blank is a value of its own, shared by all blanks; exclude leaves
            such studies out, as queries and as candidates. A label that is not mentioned is not a blank.
        hard_negatives_of: Whose studies hard negatives are: those of other patients, or all, the other
            studies of the query's own patient among them.
        open_set: Rates of false claims, such as 0.003,0.01,0.1, at which identification is measured where
            the mate may be absent; a rate takes 5 / rate queries in each half of the patients.
        temperature: Temperature of the softmax in the entropy of the match.
        patient_level: Also count any report of the query's patient as a hit; up to one more pass.
        risk_pool: Pool that the risk of each patient is stated at.
        negligible_lift: Multiple of chance that is taken for no linkage: the audit says that it found none
            only where the upper limit of every row lies below it.
        varies: What intervals of Recall@K let vary: the patients asked about, with the gallery held fixed,
            or the candidates too, as if other patients brought others; that takes one more pass in float64,
            and leaves the full pool as it is.
        engine: What counts: auto (the fastest on this machine), cpu, native, gpu, ray (all cores by Ray) or
            ray://HOST:PORT. All give the same counts.
    """

    pool: Pools = None
    k: Annotated[
        tuple[Annotated[int, Meta(ge=1)], ...] | None,
        Option(noun="rank", default=",".join(map(str, DEFAULT_RANKS))),
    ] = None
    direction: Directions = "image-to-report"
    distractors: Annotated[Distractors, Option(noun="choice of distractors")] = "all"
    several_reports: SeveralReports = "mean"
    hard_negatives: Annotated[tuple[str, ...], Option(metavar="COLUMN[,COLUMN...]")] = ()
    ladder: bool = False
    uncertain: Uncertain = "own"
    missing: Missing = "wildcard"
    hard_negatives_of: Annotated[Distractors, Option(noun="choice of hard negatives")] = "other-patients"
    open_set: Annotated[tuple[Rate, ...], Option(noun="rate of false claims", default="off")] = ()
    temperature: Annotated[
        Annotated[float, Meta(ge=1e-4, le=1e4)] | None,
        Option(default=f"{DEFAULT_TEMPERATURE}, or the attacker's own"),
    ] = None
    patient_level: bool = False
    risk_pool: Annotated[
        PoolSize | None,
        Option(
            noun="pool size",
            wanted="a whole number from 2 up, or full",
            default="the largest of 10000, 1000 and 100 that every query has",
        ),
    ] = None
    negligible_lift: Annotated[
        float, Meta(gt=1, le=1000), Option(noun="lift", wanted="a number above 1, up to 1000")
    ] = 2.0
    varies: Annotated[Varies, Option(noun="choice of what varies")] = "patients"
    engine: Annotated[
        str,
        Meta(pattern="^(auto|cpu|native|gpu|ray|ray://.+)$"),
        Option(metavar="ENGINE", wanted="auto, cpu, native, gpu, ray or ray://HOST:PORT"),
    ] = "auto"

    @property
    def tau(self) -> float:
        """The temperature of the softmax."""
        return DEFAULT_TEMPERATURE if self.temperature is None else self.temperature

    def check(self) -> None:
        """Check that what is asked for goes together.

        Raises:
            InputError: hard negatives are asked for in both ways, or are to be of patients whom the pool
                leaves out.
        """
        if self.hard_negatives and self.ladder:
            raise InputError("--hard-negatives and --ladder exclude each other; give one of them.")
        if self.hard_negatives_of == "all" and self.distractors == "other-patients":
            raise InputError(
                "--hard-negatives-of all keeps the patient's other studies, and --distractors other-patients "
                "leaves them out of every pool; give one of them."
            )
