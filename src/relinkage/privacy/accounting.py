"""What Poisson sampling and Gaussian noise spend: ε by privacy loss distributions, and by Rényi."""

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binom

from relinkage.encoders.trained.hardening import LEAST_DELTA
from relinkage.encoders.trained.statement import INTERVAL
from relinkage.errors import InputError

LEAST = 0.3
"""The smallest noise multiplier that is ever given."""
_LEAST_DELTA_AT_ONCE = 1e-18
"""Likewise where nothing is composed: the tails of one Gaussian are cut off at e⁻⁵⁰."""
USED = 0.97
"""Of the ε that is asked for, what the noise that is given uses at least."""
_MOST = 2e7
"""Intervals that the mean loss of a training may span; beyond, where ε says nothing anyway, they grow."""
_MOST_OF_MIXTURES = 1e7
"""Likewise for a step's losses where a patient has several units: intervals times units, each some 0.1 ms."""


@dataclass(frozen=True)
class Spending:
    """A training, as an accountant sees it.

    At each step a unit is sampled with probability q, moves the sum by one sensitivity at most, and noise of
    σ sensitivities is added. Where one patient stands behind k units that are sampled one by one, the step is
    dominated by N(0, σ²) against Σ_j Binom(k, q)(j)·N(j, σ²) (Charles et al. 2407.07737).

    Attributes:
        sigma: σ, the noise multiplier.
        rate: q, the sampling probability.
        steps: how often.
        units_a_patient: k: 1 where patients are the units.
    """

    sigma: float
    rate: float
    steps: int
    units_a_patient: int = 1


@lru_cache(maxsize=256)
def epsilon(spending: Spending, delta: float, interval: float = INTERVAL) -> float:
    """Give ε at δ by composing privacy loss distributions (Koskela et al. 1906.03049).

    Rounded towards safety; for add-or-remove-one neighbours, the worse of both directions. Where there is
    next to no noise, the interval grows as losses do. Where δ is so small that it vanishes in what
    convolutions cut off and round, it is ε by Rényi accounting; infinite where that does not apply.

    Args:
        spending: the training.
        delta: δ.
        interval: the width of the discretisation.

    Raises:
        InputError: dp-accounting is not installed.
    """
    if _is_resolved_by_renyi_alone(spending, delta):
        by_renyi = renyi_epsilon(spending, delta)
        return math.inf if by_renyi is None else by_renyi
    at_once = math.sqrt(spending.steps) if spending.rate == 1 else 1.0
    interval *= max(LEAST * at_once / spending.sigma, 1.0) ** 2
    if spending.rate < 1:
        interval = max(interval, _mean_loss(spending) / _MOST)
    if (units := spending.units_a_patient) > 1:
        most = units**2 / (2 * spending.sigma**2) + 8 * units / spending.sigma
        interval = max(interval, most * units / _MOST_OF_MIXTURES)
    try:
        return float(_loss_distribution(spending, interval).get_epsilon_for_delta(delta))
    except OverflowError:  # so little noise that a loss is not a number
        return math.inf


def _mean_loss(spending: Spending) -> float:
    """Bound the mean privacy loss of a training: by the χ² divergence of a step, and by its mean square."""
    units = np.arange(spending.units_a_patient + 1)
    probability = binom.pmf(units, spending.units_a_patient, spending.rate)
    apart = np.outer(units, units) / spending.sigma**2
    loss = float(probability @ units**2) / (2 * spending.sigma**2)
    if apart.max() < 500:  # e^500 is a number
        loss = min(loss, float(np.log1p(probability @ np.expm1(apart) @ probability)))
    return spending.steps * loss


def renyi_epsilon(spending: Spending, delta: float) -> float | None:
    """Give ε at δ by Rényi accounting (Mironov et al. 1908.10530), which is looser.

    None for several units a patient, where it does not apply.

    Raises:
        InputError: dp-accounting is not installed.
    """
    if spending.units_a_patient > 1:
        return None
    dp = _dp_accounting()
    from dp_accounting.rdp import RdpAccountant

    step = dp.PoissonSampledDpEvent(spending.rate, dp.GaussianDpEvent(spending.sigma))
    accountant = RdpAccountant()
    with _quiet():
        try:
            accountant.compose(dp.SelfComposedDpEvent(step, spending.steps))
            return float(accountant.get_epsilon(delta))
        except OverflowError:
            return math.inf


def calibrate(target: float, delta: float, spending: Spending) -> float:
    """Give the smallest noise multiplier whose ε is at most `target`, rounded up to four digits.

    Args:
        target: ε.
        delta: δ.
        spending: the training; its own σ plays no part.

    Raises:
        InputError: dp-accounting is not installed, or no σ up to 10⁶ is enough.
    """
    single = replace(spending, units_a_patient=1)
    # Several units a patient only ever need more noise, and are slow to account for where there is little.
    least = LEAST if spending == single else calibrate(target, delta, single)

    @cache
    def excess(log_sigma: float, interval: float) -> float:
        spent = epsilon(replace(spending, sigma=math.exp(log_sigma)), delta, interval)
        return math.log(max(spent, 1e-9) / target)

    coarse, high = 10 * INTERVAL, math.log(least)
    if excess(high, coarse) <= 0:
        return least
    while excess(high, coarse) > 0:
        low, high = high, high + math.log(3.0)
        if high > math.log(1e6):
            raise InputError(
                f"The accountant finds no noise multiplier up to 1,000,000 with an epsilon of {target:g} at "
                f"a delta of {delta:g}; give larger ones."
            )
    enough = brentq(excess, low, high, args=(coarse,), xtol=1e-4)
    if spending == single:
        # The coarse figure is mostly a little too large and the fine one lies just below it: as ε falls at
        # least as fast as σ grows, twice the fine excess steps over it.
        low, high = enough + 2 * min(excess(enough, INTERVAL), 0.0) - 1e-4, enough
        while excess(low, INTERVAL) <= 0:
            low -= 0.05
        while excess(high, INTERVAL) > 0:
            high += 1e-3
        enough = brentq(excess, low, high, args=(INTERVAL,), xtol=5e-5)
    elif excess(enough, INTERVAL) < math.log(USED):
        # Little ε is drawn coarsely, so much of it would be left; fine figures of it cost little.
        low = math.log(least)
        while enough - low > 1e-3:
            middle = (low + enough) / 2
            low, enough = (low, middle) if excess(middle, INTERVAL) <= 0 else (middle, enough)
    sigma = math.exp(enough)
    grain = 10.0 ** (math.floor(math.log10(sigma)) - 3)
    places = math.ceil(sigma / grain)
    while epsilon(replace(spending, sigma=places * grain), delta) > target:
        places += 1
    return float(f"{places * grain:.4g}")


def accountant_name(spending: Spending, delta: float) -> str:
    """Name what `epsilon` goes by, and its version.

    Raises:
        InputError: dp-accounting is not installed.
    """
    _dp_accounting()
    by_renyi = _is_resolved_by_renyi_alone(spending, delta)
    name = "Rényi differential privacy" if by_renyi else "privacy loss distributions"
    return f"{name}, dp-accounting {version('dp-accounting')}"


def _is_resolved_by_renyi_alone(spending: Spending, delta: float) -> bool:
    at_once = spending.rate == 1 and spending.units_a_patient == 1
    return delta < (_LEAST_DELTA_AT_ONCE if at_once else LEAST_DELTA)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep it from stderr where a Rényi order is left out: the figure stays a bound without that order."""
    logger = logging.getLogger("absl")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _loss_distribution(spending: Spending, interval: float) -> Any:
    _dp_accounting()
    from dp_accounting.pld import privacy_loss_distribution as pld

    units = spending.units_a_patient
    if units == 1 and spending.rate == 1:
        # Unsampled Gaussian steps add up to one: no need to convolve.
        return pld.from_gaussian_mechanism(
            spending.sigma / math.sqrt(spending.steps), value_discretization_interval=interval
        )
    if units == 1:
        step = pld.from_gaussian_mechanism(
            spending.sigma, sampling_prob=spending.rate, value_discretization_interval=interval
        )
    else:
        step = pld.from_mixture_gaussian_mechanism(
            spending.sigma,
            sensitivities=[float(count) for count in range(units + 1)],
            sampling_probs=[float(binom.pmf(count, units, spending.rate)) for count in range(units + 1)],
            value_discretization_interval=interval,
        )
    return step.self_compose(spending.steps)


def _dp_accounting() -> Any:
    try:
        import dp_accounting
    except ImportError:
        raise InputError(
            "Differential privacy needs the package dp-accounting; install it with "
            "`pip install 'relinkage[privacy]'`."
        ) from None
    return dp_accounting
