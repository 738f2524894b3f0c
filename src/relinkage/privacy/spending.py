"""From a training's choices to its privacy statement, and from a statement back to what it spends."""

import dataclasses
import math

from relinkage.encoders.trained.hardening import HardenChoices, HardenSettings
from relinkage.encoders.trained.statement import Noise, SpeaksOf, StatedInputs, derived, faults_of
from relinkage.encoders.trained.statement import PrivacyStatement as PrivacyStatement
from relinkage.privacy import accounting
from relinkage.privacy.accounting import Spending
from relinkage.records import Record

LARGE_DELTA = 0.1
"""The share of 1 / population above which δ is warned about: at 1, a patient's record may be given away."""


def spend(
    settings: HardenSettings,
    earlier: tuple[float, float] = (0.0, 0.0),
    inputs: StatedInputs | None = None,
    *,
    patients_known: bool = True,
) -> tuple[float, PrivacyStatement | None]:
    """Give the noise multiplier σ that the settings ask for, and the statement of what is then spent.

    Args:
        settings: the choices; without an ε there is no noise and no statement.
        earlier: ε and δ that the heads it starts from have spent.
        inputs: what the training is given from elsewhere.
        patients_known: whether the units are patients; where not, all holds for studies.

    Raises:
        InputError: dp-accounting is not installed.
    """
    if settings.epsilon is None:
        return 0.0, None
    speaks_of: SpeaksOf = "patients" if patients_known else "studies"
    noise: Noise = "operating system" if settings.seed_noise is None else "seeded"
    told = derived(settings, noise, speaks_of)
    spending = Spending(1.0, told["rate"], told["steps"], settings.units_a_patient)
    sigma = accounting.calibrate(settings.epsilon, settings.delta, spending)
    spending = dataclasses.replace(spending, sigma=sigma)
    return sigma, PrivacyStatement(
        **told,
        epsilon=accounting.epsilon(spending, settings.delta),
        speaks_of=speaks_of,
        noise_multiplier=sigma,
        accountant=accounting.accountant_name(spending, settings.delta),
        noise=noise,
        pair_epsilon=_pair_epsilon(spending, settings.delta) if settings.unit == "pair" else None,
        earlier_epsilon=earlier[0],
        earlier_delta=earlier[1],
        inputs=inputs or StatedInputs(),
    )


class Recheck(Record, frozen=True):
    """A statement computed again.

    Attributes:
        epsilon: ε by privacy loss distributions, or, where δ is too small for them, by Rényi accounting; null
            where no ε is large enough.
        renyi: By Rényi accounting, which is no tighter; null where it does not apply or no ε is large enough.
        faults: What does not hold, a sentence each; empty for a sound statement.
        cautions: What holds and says little, a sentence each.
    """

    epsilon: float | None
    renyi: float | None
    faults: tuple[str, ...]
    cautions: tuple[str, ...] = ()


def spending_of(statement: PrivacyStatement) -> Spending:
    """Return the training that a statement speaks of, as the accountant sees it."""
    units = statement.pairs_a_patient if statement.unit == "pair" else 1
    return Spending(statement.noise_multiplier, statement.rate, statement.steps, units or 1)


def recheck(statement: PrivacyStatement, choices: HardenChoices) -> Recheck:
    """Derive all that a statement says from the choices of its training again, and ε from its noise.

    Args:
        statement: what is stated.
        choices: the settings that stand beside it.

    Raises:
        InputError: dp-accounting is not installed.
    """
    spending, faults = spending_of(statement), [*statement.faults, *faults_of(statement, choices)]
    faults += accounted_faults(statement, choices)
    if statement.noise == "seeded":
        faults.append("The noise came from a seed, so nothing holds for whoever knows it.")
    return Recheck(
        epsilon=_finite(accounting.epsilon(spending, statement.delta)),
        renyi=_finite(accounting.renyi_epsilon(spending, statement.delta)),
        faults=tuple(dict.fromkeys(faults)),
        cautions=tuple(delta_cautions(statement.delta, statement.population)),
    )


def accounted_faults(statement: PrivacyStatement, choices: HardenChoices) -> list[str]:
    """Say where ε is not what an accountant makes of the noise, or the noise not what ε asks for.

    Raises:
        InputError: dp-accounting is not installed.
    """
    spending, faults = spending_of(statement), []
    spent = accounting.epsilon(spending, statement.delta)
    if spent > statement.epsilon * (1 + 1e-6):
        faults.append(f"The stated epsilon is {statement.epsilon:.4g}, the accountant gives {spent:.4g}.")
    elif choices.epsilon is not None and not _follows(spending, statement.delta, choices.epsilon):
        faults.append(
            f"The noise multiplier {statement.noise_multiplier:.4g} is not what an epsilon of "
            f"{choices.epsilon:g} asks for."
        )
    if statement.pair_epsilon is not None:
        of_a_pair = _pair_epsilon(spending, statement.delta)
        if of_a_pair > statement.pair_epsilon * (1 + 1e-6):
            faults.append(
                f"The stated epsilon of a single pair is {statement.pair_epsilon:.4g}, the accountant gives "
                f"{of_a_pair:.4g}."
            )
    return faults


def delta_cautions(delta: float, population: int) -> list[str]:
    """Say where δ is large beside the population."""
    if delta <= LARGE_DELTA / population:
        return []
    return [
        f"A delta of {delta:g} allows that the whole record of one in {1 / delta:,.0f} patients is given "
        f"away, and the stated population is {population:,}; a delta of {LARGE_DELTA / population:.1g} or "
        "less says more."
    ]


def _follows(spending: Spending, delta: float, asked: float) -> bool:
    """Whether that much noise is what an ε asks for, and not more."""
    if spending.sigma <= accounting.LEAST:
        return True
    less = dataclasses.replace(spending, sigma=spending.sigma * accounting.USED)
    return accounting.epsilon(less, delta) >= asked * accounting.USED


def _pair_epsilon(spending: Spending, delta: float) -> float:
    return accounting.epsilon(dataclasses.replace(spending, units_a_patient=1), delta)


def _finite(epsilon: float | None) -> float | None:
    return epsilon if epsilon is None or math.isfinite(epsilon) else None
