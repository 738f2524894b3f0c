"""The privacy statement: what a private training spent and why it holds, for another accountant to check."""

from typing import Annotated, Any, Literal

from msgspec import Meta
from msgspec.structs import force_setattr

from relinkage.encoders.trained.aligning import Temperature
from relinkage.encoders.trained.bounds import sensitivity_of
from relinkage.encoders.trained.hardening import Cap, HardenChoices, MechanismName, Population, Steps, Unit
from relinkage.options import Positive, Share
from relinkage.records import Fingerprint, Record

INTERVAL = 1e-4
"""Width at which privacy loss distributions are discretised, losses rounded up."""
SEED_POLICY = {
    "operating system": "sampling and noise come from the operating system and were not kept",
    "seeded": "sampling and noise come from a seed: nothing is private from whoever knows it",
}
NEIGHBOURS = {
    "patients": "add or remove one patient with all pairs",
    "studies": "add or remove one study with all its pairs, for it is not known which studies are of one "
    "patient",
}
NOT_MEASURED = (
    "how far that leads was not measured here; run `relinkage attack EMB --attackers cca --on features`."
)
Noise = Literal["operating system", "seeded"]
StatementKind = Literal["proven", "nominal", "void", "refuted"]
SpeaksOf = Literal["patients", "studies"]
_ACCOUNTANT = r"^(privacy loss distributions|Rényi differential privacy), dp-accounting [0-9a-z.+]{1,40}$"
Large = Annotated[float, Meta(gt=0, le=1e12)]


class StatedInputs(Record, frozen=True):
    """What a training was given from elsewhere and looked at freely.

    Attributes:
        start: SHA-256 of the heads that it started from, as `heads.safetensors`; null for fresh ones.
        public: Fingerprint of the public cohort; null for none.
        anchors: SHA-256 of the anchors that were given, as float32; null for none.
    """

    start: Fingerprint | None = None
    public: str | None = None
    anchors: Fingerprint | None = None

    def in_words(self) -> str:
        """Return what was given; empty where nothing was."""
        given = (("the starting heads", self.start), ("the public set", self.public))
        names = [name for name, there in (*given, ("the anchors", self.anchors)) if there is not None]
        return " and ".join([", ".join(names[:-1])] * (len(names) > 1) + names[-1:])


class PrivacyStatement(Record, frozen=True):
    """What a private training spent.

    Attributes:
        mechanism: What was clipped and how.
        kind: proven; nominal where the accountant's assumptions do not hold; void where they do and the noise
            came from a seed; refuted where a check of the statement found a fault.
        epsilon: ε that the accountant gives, for patients or for studies.
        delta: δ.
        speaks_of: Whom ε is for: patients, or studies where it is not known which are of one patient.
        neighbours: Which data sets are told apart.
        unit: What was sampled and clipped; where patients are not known, a study counts as one.
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
        discretisation: The interval of privacy loss distributions.
        noise: Where sampling and noise came from.
        pair_epsilon: Where pairs are sampled, ε at δ for a single pair.
        earlier_epsilon: ε that the heads it started from had spent, which adds up for the same patients.
        earlier_delta: Their δ, likewise.
        inputs: What the training was given from elsewhere.
        heads: SHA-256 of the `heads.safetensors` that it speaks of; null as long as there are none.
        faults: What a check of the statement found, a sentence each.
        seed_policy: Where sampling and noise came from, in words; it follows from `noise`, whatever is given.
        not_checkable: What only the trainer can know; it follows from `inputs`, whatever is given.
        sentence: The statement in words; it follows from all others, whatever is given.
    """

    mechanism: MechanismName
    kind: StatementKind
    epsilon: Large
    delta: Annotated[float, Meta(gt=0, lt=1)]
    speaks_of: SpeaksOf = "patients"
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
    accountant: Annotated[str, Meta(pattern=_ACCOUNTANT)]
    discretisation: Annotated[float, Meta(gt=0, le=1)]
    noise: Noise
    pair_epsilon: Large | None = None
    earlier_epsilon: Annotated[float, Meta(ge=0, le=1e12)] = 0.0
    earlier_delta: Share = 0.0
    inputs: StatedInputs = StatedInputs()
    heads: Fingerprint | None = None
    faults: tuple[str, ...] = ()
    seed_policy: str = ""
    not_checkable: tuple[str, ...] = ()
    sentence: str = ""

    def __post_init__(self) -> None:
        if self.faults:
            force_setattr(self, "kind", "refuted")
        force_setattr(self, "seed_policy", SEED_POLICY[self.noise])
        force_setattr(self, "not_checkable", self._beyond_checking())
        force_setattr(self, "sentence", self._in_words())
        if self.kind != "proven" and "guarantee" in self.sentence.lower():
            raise ValueError("what is not proven is no guarantee and must not be called one")

    def _beyond_checking(self) -> tuple[str, ...]:
        told = [
            "that the heads came out of the training that is described",
            "that noise of the stated size was added, and that its source is the one named",
            "that the bound on the population was chosen without counting the patients",
        ]
        given = self.inputs.in_words()
        if given:
            told.append(f"that none of these {self.speaks_of} is in {given}")
        return tuple(told)

    def _in_words(self) -> str:
        """Say what is stated; a nominal ε never reads as if something were proven."""
        figures = f"ε = {self.epsilon:.3g} at δ = {self.delta:g}"
        if self.kind == "refuted":
            found = self.faults or ("it says so itself.",)
            return f"the statement of these heads does not hold: {found[0]}"
        if self.kind == "nominal":
            return f"nominal {figures} ({self.mechanism}); no differential privacy is proven. {self.reason}"
        if self.kind == "void":
            return f"void: {SEED_POLICY['seeded']} ({figures} otherwise, {self.mechanism})"
        told = (
            f"({self.epsilon:.3g}, {self.delta:g})-differential privacy"
            f"{' for studies' * (self.speaks_of == 'studies')}, proven; {self.neighbours}; "
            f"mechanism {self.mechanism}, {self.sampling}, {self.steps} steps"
        )
        given = self.inputs.in_words()
        if given:
            told += f"; given that none of these {self.speaks_of} is in {given}"
        if self.earlier_epsilon:
            told += (
                f"; for {self.speaks_of} whose pairs also trained the heads it started from, "
                f"({self.epsilon + self.earlier_epsilon:.3g}, {self.delta + self.earlier_delta:g})"
            )
        return told


def what_epsilon_leaves_open(stated: PrivacyStatement, linked: float | None = None) -> tuple[str, str]:
    """Say what ε does not speak of: whoever is linked through the heads, and whoever does without them.

    Args:
        stated: what the heads state.
        linked: the share that an attacker links by the features, where this run measured it.
    """
    spoken_of = (
        f"The statement of these heads speaks of the {stated.speaks_of} whose pairs trained them, and of "
        f"what the heads reveal of them. It does not bound linkage of other {stated.speaks_of}: where these "
        "are linked less than through other heads, the two sides fit each other less."
    )
    if stated.kind == "refuted":
        spoken_of = f"{stated.sentence[0].upper()}{stated.sentence[1:]}"
    found = f"{linked:.2%} in this run." if linked is not None else NOT_MEASURED
    return spoken_of, (
        f"Whoever holds an image and the encoder can leave the heads aside and link by features: {found}"
    )


def derived(choices: HardenChoices, noise: Noise, speaks_of: SpeaksOf = "patients") -> dict[str, Any]:
    """Give all that follows from the choices of a training and the source of its noise, by field."""
    once, bound = choices.mechanism == "one-shot", sensitivity_of(choices.mechanism, choices.tau)
    units = "studies" if (choices.unit, speaks_of) == ("patient", "studies") else f"{choices.unit}s"
    return {
        "mechanism": choices.mechanism,
        "kind": "nominal" if not bound.proven else "void" if noise == "seeded" else "proven",
        "delta": choices.delta,
        "neighbours": NEIGHBOURS[speaks_of],
        "unit": choices.unit,
        "pairs_a_patient": choices.pairs_a_patient,
        "population": choices.population,
        "sampling": "all units once" if once else f"Poisson sampling of {units}",
        "rate": choices.rate,
        "steps": 1 if once else choices.steps,
        "clip": 1.0 if once else choices.clip,
        "sensitivity": bound.multiple,
        "reason": bound.reason,
        "divisor": 1.0 if once else float(choices.batch),
        "temperature": choices.tau,
        "discretisation": INTERVAL,
    }


def faults_of(statement: PrivacyStatement, choices: HardenChoices) -> list[str]:
    """Give what in a statement does not follow from the choices of its training, a sentence each.

    ε is not computed here: that takes an accountant (`privacy.recheck`).
    """
    expected = derived(choices, statement.noise, statement.speaks_of)
    faults = [
        f"The field {field} does not follow from the settings."
        for field, value in expected.items()
        if not _equal(getattr(statement, field), value)
        and not (field == "kind" and statement.kind == "refuted")
    ]
    if choices.epsilon is None:
        faults.append("An epsilon is stated, and the settings ask for none.")
    elif statement.epsilon > choices.epsilon * (1 + 1e-6):
        faults.append(
            f"The stated epsilon is {statement.epsilon:.4g}, the settings ask for {choices.epsilon:g}."
        )
    if (statement.pair_epsilon is None) != (choices.unit == "patient"):
        faults.append("An epsilon of a single pair is stated where pairs are sampled, and nowhere else.")
    if (statement.earlier_epsilon == 0) != (statement.earlier_delta == 0):
        faults.append("What the starting heads had spent has an epsilon and a delta, or neither.")
    return faults


def _equal(stated: Any, expected: Any) -> bool:
    if isinstance(expected, float):
        return bool(abs(stated - expected) <= 1e-9 * expected)
    return bool(stated == expected)
