"""From a training's choices to its privacy statement, and from a statement back to what it spends."""

import dataclasses
import math

from relinkage.encoders.trained.hardening import HardenSettings
from relinkage.encoders.trained.statement import PrivacyStatement as PrivacyStatement
from relinkage.privacy import accounting
from relinkage.privacy.accounting import Spending
from relinkage.privacy.mechanisms import sensitivity_of
from relinkage.privacy.mechanisms.protocol import Sensitivity
from relinkage.records import Record

NEIGHBOURS = "add or remove one patient with all pairs"


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
    spending = dataclasses.replace(spending, sigma=sigma)
    spent = accounting.epsilon(spending, settings.delta)
    pair_epsilon = None
    if settings.unit == "pair":
        pair_epsilon = accounting.epsilon(dataclasses.replace(spending, units_a_patient=1), settings.delta)
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


class Recheck(Record, frozen=True):
    """A statement computed again.

    Attributes:
        epsilon: ε by privacy loss distributions; null where no ε is large enough.
        renyi: By Rényi accounting, which is looser; null where it does not apply or no ε is large enough.
        faults: What does not hold, a sentence each; empty for a sound statement.
    """

    epsilon: float | None
    renyi: float | None
    faults: tuple[str, ...]


def spending_of(statement: PrivacyStatement) -> Spending:
    """Return the training that a statement speaks of, as the accountant sees it."""
    units = statement.pairs_a_patient if statement.unit == "pair" else 1
    return Spending(statement.noise_multiplier, statement.rate, statement.steps, units or 1)


def recheck(statement: PrivacyStatement) -> Recheck:
    """Compute ε again from the statement's own data, in two ways, and its bound from the mechanism.

    Raises:
        InputError: dp-accounting is not installed.
    """
    spending, faults = spending_of(statement), []
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
    return Recheck(epsilon=_finite(spent), renyi=_finite(renyi), faults=tuple(faults))


def _finite(epsilon: float | None) -> float | None:
    return epsilon if epsilon is None or math.isfinite(epsilon) else None
