"""What heads keep of the patients who trained them, as `memorisation.json` holds it."""

from typing import Annotated, Literal

from msgspec import Meta

from relinkage.alignment.used import HeadsUsed
from relinkage.embeddings.manifest import CohortOrigin
from relinkage.encoders.card import EncoderCard
from relinkage.linkage.estimates import Difference, Estimate, Signed
from relinkage.linkage.settings import Direction
from relinkage.options import Count, Share
from relinkage.privacy.settings import MemorisationSettings
from relinkage.records import Fingerprint, Record

SCHEMA: Literal["relinkage.memorisation/1"] = "relinkage.memorisation/1"
MEMORISATION = "memorisation.json"

NotNegative = Annotated[float, Meta(ge=0)]


class LinkageGap(Record, frozen=True):
    """Recall@K of patients who trained the heads beside that of patients who did not, of all coins together.

    Attributes:
        direction: Which side asks.
        pool: Candidates that are searched, the mate included; of the full pool, the most of any query.
        full: Whether all that is eligible is searched.
        k: The rank K.
        chance: What a scorer that knows nothing reaches.
        trained: Recall of queries whose patient trained the heads.
        held_out: Recall of queries whose patient did not.
        gap: Trained less held out.
        published_gap: The same gap, of the same patients, under the published heads, which no coin can have
            to do with: the luck of the draw.
        memorised: The gap less the published gap.
        by_coin: The same of each training alone.
        deviation: Standard deviation of these; null for a single one.
        bound: What the stated ε and δ let `trained` be at the measured `held_out`; null where nothing is
            stated.
        refuted: Whether `trained` lies above that bound for certain: its lower end above the bound at the
            upper end of `held_out`, at a level that all bounds of the result share. Where not, nothing is
            confirmed.
        queries: Queries on both sides, over all trainings.
        patients: Patients on both sides.
    """

    direction: Direction
    pool: Count
    full: bool
    k: Count
    chance: Share
    trained: Estimate
    held_out: Estimate
    gap: Difference
    published_gap: Difference
    memorised: Difference
    by_coin: tuple[Signed, ...]
    deviation: NotNegative | None
    bound: Share | None
    refuted: bool
    queries: Count
    patients: Count

    @property
    def sharper(self) -> Difference:
        """`gap` or `memorised`, whichever has the narrower interval: both estimate the same."""
        return min((self.memorised, self.gap), key=lambda each: each.high - each.low)


class Membership(Record, frozen=True):
    """What a likelihood-ratio attack with shadow heads tells of who trained the heads, of all coins together.

    Attributes:
        shadows: Trainings that the attack learned from.
        auroc: How often a patient who trained the heads looks more like it than one who did not.
        rate: The false positive rate.
        tpr: Share of the patients who trained that is claimed where that share of the others is; null where
            fewer than five of the others stand behind the rate.
        by_coin: The same of each training alone; empty where it is null.
        deviation: Standard deviation of these; null for fewer than two.
        bound: What the stated ε and δ let `tpr` be at that rate; null where nothing is stated.
        refuted: Whether `tpr` lies above that bound for certain, its lower end at a level that all bounds of
            the result share, or `lower_bound` above the stated ε. Where not, nothing is confirmed.
        guesses: Guesses about the first training: the patients who look most and least like it.
        correct: Guesses that were right.
        lower_bound: ε of the training is at least this, at the stated δ, or at 0 where none is stated; 0
            where nothing can be said (2305.08846, theorem 5.2).
        confidence: Of the lower bound: a level that all bounds of the result share.
        patients: Patients who are guessed about in every training.
    """

    shadows: Count
    auroc: Estimate
    rate: Share
    tpr: Estimate | None
    by_coin: tuple[Share, ...]
    deviation: NotNegative | None
    bound: Share | None
    refuted: bool
    guesses: Count
    correct: Annotated[int, Meta(ge=0)]
    lower_bound: NotNegative
    confidence: Share
    patients: Count


class MemorisationInputs(Record, frozen=True):
    """What was measured on what.

    Attributes:
        embeddings: The name of the folder, or of the array of the images.
        model: The encoder.
        cohort: The cohort.
        features: Fingerprint of the features of the training split.
        heads: The heads whose training is repeated.
        published: The heads that no coin has to do with.
        pairs: Pairs of the split that trained the heads.
        patients: Its patients.
        patients_known: Whether the cohort says which studies are of one patient; where not, each counts as
            one.
    """

    embeddings: str
    model: EncoderCard
    cohort: CohortOrigin
    features: Fingerprint
    heads: HeadsUsed
    published: HeadsUsed
    pairs: Count
    patients: Count
    patients_known: bool


class MemorisationResult(Record, frozen=True):
    """What heads keep of the patients who trained them: linkage by coin, and membership.

    Holds no report text, no patient id and no pair id. The figures follow from private pairs, and no ε covers
    them.

    Attributes:
        schema: The name and version of this format.
        version: The relinkage version that measured.
        settings: The choices.
        inputs: What was measured on what.
        linkage: A row for each direction, pool and rank.
        membership: What shadow heads tell of who trained; null where nobody asked.
        notes: What was left out, a sentence each.
    """

    schema: Literal["relinkage.memorisation/1"] = SCHEMA
    version: str
    settings: MemorisationSettings
    inputs: MemorisationInputs
    linkage: Annotated[tuple[LinkageGap, ...], Meta(min_length=1)]
    membership: Membership | None
    notes: tuple[str, ...] = ()

    @property
    def refuted(self) -> bool:
        """Whether a bound that follows from the stated ε does not hold."""
        membership = self.membership
        return any(row.refuted for row in self.linkage) or (membership is not None and membership.refuted)
