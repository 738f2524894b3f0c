"""The privacy statement: what was spent and why it holds, as data that another accountant can check."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from relinkage.errors import InputError
from relinkage.privacy import accounting
from relinkage.privacy.accounting import Spending
from relinkage.privacy.mechanisms import sensitivity_of
from relinkage.privacy.mechanisms.protocol import Name, Sensitivity
from relinkage.privacy.settings import HardenSettings
from relinkage.privacy.units import Unit

Kind = Literal["proven", "nominal", "void"]

NEIGHBOURS = "add or remove one patient with all pairs"
SEED_POLICY = {
    "operating system": "sampling and noise come from the operating system and were not kept",
    "seeded": "sampling and noise come from a seed: nothing is private from whoever knows it",
}


@dataclass(frozen=True)
class PrivacyStatement:
    """What a private training spent.

    Attributes:
        mechanism: what was clipped and how.
        kind: `proven`; `nominal` where the accountant's assumptions do not hold; `void` where they do and the
            noise came from a seed.
        epsilon: ε that the accountant gives, for patients.
        delta: δ.
        neighbours: which data sets are told apart.
        unit: what was sampled and clipped.
        pairs_a_patient: pairs used of a patient, at most; None for all.
        population: the stated bound on the number of patients that q rests on.
        sampling: how units were chosen.
        rate: q, the sampling probability.
        steps: how often noise was added.
        clip: the norm C.
        sensitivity: how far a unit moves the sum, in norms C.
        reason: why that bound holds, or that it does not.
        noise_multiplier: σ; the noise on the sum has the deviation σ · sensitivity · C.
        divisor: the public number that the noisy sum is divided by.
        temperature: τ of contrastive losses, on which the bound of `logit` rests.
        accountant: what computed ε.
        discretisation: its interval.
        noise: where sampling and noise came from: `operating system` or `seeded`.
        pair_epsilon: where pairs are sampled, ε at δ for a single pair.
        earlier_epsilon: ε that the heads it started from had spent, which adds up for the same patients.
        earlier_delta: their δ, likewise.
    """

    mechanism: Name
    kind: Kind
    epsilon: float
    delta: float
    neighbours: str
    unit: Unit
    pairs_a_patient: int | None
    population: int
    sampling: str
    rate: float
    steps: int
    clip: float
    sensitivity: float
    reason: str
    noise_multiplier: float
    divisor: float
    temperature: float
    accountant: str
    discretisation: float
    noise: str
    pair_epsilon: float | None = None
    earlier_epsilon: float = 0.0
    earlier_delta: float = 0.0

    def __post_init__(self) -> None:
        if self.kind != "proven" and "guarantee" in self.sentence.lower():
            raise ValueError("what is not proven is no guarantee and must not be called one")

    @property
    def spending(self) -> Spending:
        """The training, as the accountant sees it."""
        units = self.pairs_a_patient if self.unit == "pair" else 1
        return Spending(self.noise_multiplier, self.rate, self.steps, units or 1)

    @property
    def sentence(self) -> str:
        """The statement in words; a nominal one never reads as if something were proven."""
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

    def to_json(self) -> dict[str, Any]:
        """Give the statement as it stands in a manifest."""
        return {**asdict(self), "seed_policy": SEED_POLICY[self.noise], "sentence": self.sentence}


def read_statement(value: Any, source: str = "The manifest") -> PrivacyStatement:
    """Read a statement back from a manifest.

    Args:
        value: what the manifest has under "privacy".
        source: what to call the manifest in an error message.

    Raises:
        InputError: it is no statement.
    """
    names = {field.name for field in fields(PrivacyStatement)}
    try:
        statement = PrivacyStatement(**{key: value[key] for key in names})
        numbers = (statement.epsilon, statement.delta, statement.noise_multiplier, statement.rate)
        shares = statement.rate <= 1 and statement.delta < 1 and statement.noise_multiplier >= 1e-3
        if min(numbers) <= 0 or not shares or statement.steps < 1 or statement.noise not in SEED_POLICY:
            raise ValueError
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{source} holds no privacy statement; harden the heads again.") from None
    return statement


def spend(
    settings: HardenSettings, bound: Sensitivity, earlier: tuple[float, float] = (0.0, 0.0)
) -> tuple[float, PrivacyStatement | None]:
    """Give the noise multiplier σ that the settings ask for, and the statement of what is then spent.

    Args:
        settings: the choices; without an ε there is no noise and no statement.
        bound: the mechanism's sensitivity.
        earlier: ε and δ that the heads it starts from have spent.

    Raises:
        InputError: dp-accounting is not installed.
    """
    if settings.epsilon is None:
        return 0.0, None
    once, seeded = settings.mechanism == "one-shot", settings.seed_noise is not None
    spending = Spending(1.0, settings.rate, 1 if once else settings.steps, settings.units_a_patient)
    sigma = accounting.calibrate(settings.epsilon, settings.delta, spending)
    spending = replace(spending, sigma=sigma)
    spent = accounting.epsilon(spending, settings.delta)
    pair_epsilon = None
    if settings.unit == "pair":
        pair_epsilon = accounting.epsilon(replace(spending, units_a_patient=1), settings.delta)
    return sigma, PrivacyStatement(
        mechanism=settings.mechanism,
        kind="nominal" if not bound.proven else "void" if seeded else "proven",
        epsilon=spent,
        delta=settings.delta,
        neighbours=NEIGHBOURS,
        unit=settings.unit,
        pairs_a_patient=settings.pairs_a_patient,
        population=settings.population,
        sampling="all units once" if once else f"Poisson sampling of {settings.unit}s",
        rate=spending.rate,
        steps=spending.steps,
        clip=1.0 if once else settings.clip,
        sensitivity=bound.multiple,
        reason=bound.reason,
        noise_multiplier=sigma,
        divisor=1.0 if once else float(settings.batch),
        temperature=settings.tau,
        accountant=accounting.accountant_name(),
        discretisation=accounting.INTERVAL,
        noise="seeded" if seeded else "operating system",
        pair_epsilon=pair_epsilon,
        earlier_epsilon=earlier[0],
        earlier_delta=earlier[1],
    )


@dataclass(frozen=True)
class Recheck:
    """A statement computed again.

    Attributes:
        epsilon: by privacy loss distributions.
        renyi: by Rényi accounting, which is looser; None where it does not apply.
        faults: what does not hold, a sentence each; empty for a sound statement.
    """

    epsilon: float
    renyi: float | None
    faults: tuple[str, ...]


def recheck(statement: PrivacyStatement) -> Recheck:
    """Compute ε again from the statement's own data, in two ways, and its bound from the mechanism.

    Raises:
        InputError: dp-accounting is not installed.
    """
    spending, faults = statement.spending, []
    spent = accounting.epsilon(spending, statement.delta, max(statement.discretisation, accounting.INTERVAL))
    renyi = accounting.renyi_epsilon(spending, statement.delta)
    if spent > statement.epsilon * (1 + 1e-6):
        faults.append(f"The stated epsilon is {statement.epsilon:.4g}, the accountant gives {spent:.4g}.")
    known = sensitivity_of(
        statement.mechanism, statement.temperature, statement.population * spending.units_a_patient
    )
    if statement.kind == "proven" and not known.proven:
        faults.append(f"Nothing is proven for the mechanism {statement.mechanism}.")
    if statement.sensitivity < known.multiple * (1 - 1e-9):
        faults.append(
            f"The stated sensitivity is {statement.sensitivity:.4g} norms, {statement.mechanism} has "
            f"{known.multiple:.4g}."
        )
    if statement.unit == "pair" and statement.pairs_a_patient is None:
        faults.append("Pairs are sampled and none are capped, so nothing holds for a patient.")
    if statement.mechanism == "one-shot" and (statement.rate, statement.steps) != (1, 1):
        faults.append("The mechanism one-shot looks at all units once, which is not what is stated.")
    if statement.noise == "seeded":
        faults.append("The noise came from a seed, so nothing holds for whoever knows it.")
    return Recheck(spent, renyi, tuple(faults))
