"""The privacy statement: what a private training spent and why it holds, for another accountant to check."""

from typing import Annotated, Literal

from msgspec import Meta
from msgspec.structs import force_setattr

from relinkage.encoders.trained.aligning import Temperature
from relinkage.encoders.trained.hardening import Cap, MechanismName, Population, Steps, Unit
from relinkage.options import Positive, Share
from relinkage.records import Record

SEED_POLICY = {
    "operating system": "sampling and noise come from the operating system and were not kept",
    "seeded": "sampling and noise come from a seed: nothing is private from whoever knows it",
}
Large = Annotated[float, Meta(gt=0, le=1e12)]


class PrivacyStatement(Record, frozen=True):
    """What a private training spent.

    Attributes:
        mechanism: What was clipped and how.
        kind: proven; nominal where the accountant's assumptions do not hold; void where they do and the noise
            came from a seed.
        epsilon: ε that the accountant gives, for patients.
        delta: δ.
        neighbours: Which data sets are told apart.
        unit: What was sampled and clipped.
        pairs_a_patient: Pairs used of a patient, at most; null for all.
        population: The stated bound on the number of patients that q rests on.
        sampling: How units were chosen.
        rate: q, the sampling probability.
        steps: How often noise was added.
        clip: The norm C.
        sensitivity: How far a unit moves the sum, in norms C.
        reason: Why that bound holds, or that it does not.
        noise_multiplier: σ; the noise on the sum has the deviation σ · sensitivity · C.
        divisor: The public number that the noisy sum is divided by.
        temperature: τ of contrastive losses, on which the bound of logit rests.
        accountant: What computed ε.
        discretisation: Its interval.
        noise: Where sampling and noise came from.
        pair_epsilon: Where pairs are sampled, ε at δ for a single pair.
        earlier_epsilon: ε that the heads it started from had spent, which adds up for the same patients.
        earlier_delta: Their δ, likewise.
        seed_policy: Where sampling and noise came from, in words; it follows from `noise`, whatever is given.
        sentence: The statement in words; it follows from all others, whatever is given.
    """

    mechanism: MechanismName
    kind: Literal["proven", "nominal", "void"]
    epsilon: Large
    delta: Annotated[float, Meta(gt=0, lt=1)]
    neighbours: str
    unit: Unit
    pairs_a_patient: Cap | None
    population: Population
    sampling: str
    rate: Annotated[float, Meta(gt=0, le=1)]
    steps: Steps
    clip: Positive
    sensitivity: Positive
    reason: str
    noise_multiplier: Annotated[float, Meta(ge=1e-3, le=1e7)]
    divisor: Annotated[float, Meta(ge=1, le=1e12)]
    temperature: Temperature
    accountant: str
    discretisation: Annotated[float, Meta(gt=0, le=1)]
    noise: Literal["operating system", "seeded"]
    pair_epsilon: Large | None = None
    earlier_epsilon: Annotated[float, Meta(ge=0, le=1e12)] = 0.0
    earlier_delta: Share = 0.0
    seed_policy: str = ""
    sentence: str = ""

    def __post_init__(self) -> None:
        force_setattr(self, "seed_policy", SEED_POLICY[self.noise])
        force_setattr(self, "sentence", self._in_words())
        if self.kind != "proven" and "guarantee" in self.sentence.lower():
            raise ValueError("what is not proven is no guarantee and must not be called one")

    def _in_words(self) -> str:
        """Say what is stated; a nominal ε never reads as if something were proven."""
        figures = f"ε = {self.epsilon:.3g} at δ = {self.delta:g}"
        if self.kind == "nominal":
            return f"nominal {figures} ({self.mechanism}); no differential privacy is proven. {self.reason}"
        if self.kind == "void":
            return f"void: {SEED_POLICY['seeded']} ({figures} otherwise, {self.mechanism})"
        told = (
            f"({self.epsilon:.3g}, {self.delta:g})-differential privacy, proven; {self.neighbours}; "
            f"mechanism {self.mechanism}, {self.sampling}, {self.steps} steps"
        )
        if self.earlier_epsilon:
            told += (
                f"; for patients whose pairs also trained the heads it started from, "
                f"({self.epsilon + self.earlier_epsilon:.3g}, {self.delta + self.earlier_delta:g})"
            )
        return told
