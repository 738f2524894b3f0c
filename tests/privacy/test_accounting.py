"""ε by the accountant: reference values, laws, and the exact Gaussian mechanism as an oracle."""

import math
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import binom, norm

from relinkage.errors import InputError
from relinkage.privacy.accounting import Spending, accountant_name, calibrate, epsilon, renyi_epsilon
from tiers import quick

PAIRS, DELTA = 170_153, 6e-6


def training(sigma, batch, epochs, units_a_patient=1, population=PAIRS):
    return Spending(sigma, batch / population, epochs * math.ceil(population / batch), units_a_patient)


@pytest.mark.parametrize(
    ("sigma", "batch", "epochs", "expected"),
    quick(2, [(1.0, 256, 3, 0.340), (0.8, 128, 2, 0.343), (1.5, 512, 5, 0.336), (2.0, 1024, 5, 0.338)]),
)
def test_reference_values_of_loss_distributions(sigma, batch, epochs, expected):
    assert epsilon(training(sigma, batch, epochs), DELTA) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize(
    ("sigma", "batch", "epochs", "expected"), [(1.5, 256, 5, 0.346), (1.3, 64, 5, 0.333)]
)
def test_reference_values_of_renyi_accounting(sigma, batch, epochs, expected):
    assert renyi_epsilon(training(sigma, batch, epochs), DELTA) == pytest.approx(expected, abs=6e-4)


def test_reference_values_of_a_long_training_in_both_ways():
    spending = Spending(0.8, 1024 / 360_000, 3516)
    assert renyi_epsilon(spending, 1e-6) == pytest.approx(2.41, abs=5e-3)
    assert epsilon(spending, 1e-6) == pytest.approx(1.800, abs=1e-3)


def test_reference_value_of_patients_as_units():
    assert epsilon(training(2.0, 256, 5, population=49_600), DELTA) == pytest.approx(0.31, abs=5e-3)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (1, 0.228),
        (2, 0.483),
        pytest.param(3, 0.751, marks=pytest.mark.slow),
        pytest.param(5, 1.31, marks=pytest.mark.slow),
    ],
)
def test_reference_values_of_a_patient_with_several_pairs(pairs, expected):
    """A coarser interval than the statement's, which can only be larger; 10 pairs give 2.84, 20 give 6.3."""
    spent = epsilon(training(1.5, 256, 5, pairs), DELTA, interval=1e-3)
    assert expected * 0.995 < spent < expected * 1.08


def test_the_noise_of_a_single_release():
    """σ = 10.37 at (0.34, 6e-6), rounded up to four digits."""
    assert calibrate(0.34, DELTA, Spending(1, 1.0, 1)) in (10.37, 10.38)


def delta_by_fft(sigma, rate, units, steps, target, width=2e-5, reach=1.0):
    """δ at ε = `target` of sampled units with no accountant: both loss laws on a grid, composed by FFT."""
    x = np.linspace(-12 * sigma, 12 * sigma + units, 400_001)
    near, chances = norm.pdf(x, 0, sigma), binom.pmf(np.arange(units + 1), units, rate)
    far = sum(chance * norm.pdf(x, count, sigma) for count, chance in enumerate(chances))
    grid, deltas = np.arange(-reach, reach, width), []
    for top, bottom in ((far, near), (near, far)):
        place = np.rint((np.log(top) - np.log(bottom) + reach) / width)
        law = np.bincount(np.clip(place, 0, len(grid) - 1).astype(int), top, len(grid)) * (x[1] - x[0])
        whole = np.fft.irfft(np.fft.rfft(np.roll(law, len(grid) // 2)) ** steps, len(grid))
        deltas.append(np.sum(np.roll(whole, len(grid) // 2) * np.clip(1 - np.exp(target - grid), 0, None)))
    return max(deltas)


def test_a_small_epsilon_of_sampled_pairs_is_used_up():
    """At ε = 0.01, three pairs a patient: the noise is not more than what the stated interval asks for."""
    spending = Spending(1.0, 1024 / 60_000, 200, 3)
    sigma = calibrate(0.01, DELTA, spending)
    spent = epsilon(replace(spending, sigma=sigma), DELTA)
    assert 0.97 * 0.01 <= spent <= 0.01
    assert delta_by_fft(sigma, spending.rate, 3, 200, spent) <= DELTA


def exact_gaussian(sigma, delta):
    """ε of one Gaussian release of sensitivity 1, where its exact δ(ε) falls to δ (Balle and Wang 2018)."""

    def excess(value):
        a = 1 / (2 * sigma)
        return norm.cdf(a - value * sigma) - math.exp(value) * norm.cdf(-a - value * sigma) - delta

    return brentq(excess, 0, 100)


@pytest.mark.parametrize("sigma", quick(1, [3.0, 0.8, 10.37]))
def test_without_sampling_it_is_the_exact_gaussian_mechanism(sigma):
    exact = exact_gaussian(sigma, 1e-5)
    assert epsilon(Spending(sigma, 1.0, 1), 1e-5) == pytest.approx(exact, abs=2e-4)
    assert epsilon(Spending(sigma, 1.0, 1), 1e-5) >= exact - 1e-9
    assert epsilon(Spending(2 * sigma, 1.0, 4), 1e-5) == pytest.approx(exact, abs=2e-4)


@pytest.mark.parametrize("delta", [1e-13, 1e-17, 1e-21, 1e-40])
def test_without_sampling_a_tiny_delta_is_had_at_little_more_than_the_exact_epsilon(delta):
    exact = exact_gaussian(3.0, delta)
    spent = epsilon(Spending(3.0, 1.0, 1), delta)
    assert exact - 1e-9 <= spent <= exact * (1.0005 if delta > 1e-18 else 1.05)


def by_integer_orders(sigma, rate, steps, delta):
    """ε from the Rényi divergences of whole orders, each a sum of binomial terms (Mironov et al. 2019)."""
    best = math.inf
    for order in range(2, 200):
        terms = [
            math.log(math.comb(order, k)) + (order - k) * math.log1p(-rate) + k * math.log(rate)
            + k * (k - 1) / (2 * sigma**2)
            for k in range(order + 1)
        ]  # fmt: skip
        divergence = steps * np.logaddexp.reduce(terms) / (order - 1)
        best = min(best, divergence + math.log1p(-1 / order) - math.log(delta * order) / (order - 1))
    return best


@pytest.mark.parametrize("delta", [9e-13, 1e-15, 1e-18, 1e-30])
def test_a_delta_that_vanishes_in_convolutions_is_accounted_for_by_renyi(delta):
    spending = Spending(5.0, 0.25, 20)
    bound = by_integer_orders(5.0, 0.25, 20, delta)
    assert 0.98 * bound < epsilon(spending, delta) <= bound * (1 + 1e-9)
    assert "Rényi" in accountant_name(spending, delta)
    sigma = calibrate(2.0, delta, spending)
    assert 0.995 * 2 < epsilon(replace(spending, sigma=sigma), delta) <= 2


def test_epsilon_rises_as_delta_falls_whichever_accountant_it_is():
    spending, deltas = Spending(4.0, 0.25, 20), np.geomspace(1e-9, 1e-20, 23)
    spent = [epsilon(spending, float(delta), interval=1e-3) for delta in deltas]
    assert (np.diff(spent) > 0).all()
    assert accountant_name(spending, 1e-9).startswith("privacy loss distributions")


def test_several_units_a_patient_have_no_epsilon_at_a_tiny_delta():
    assert epsilon(Spending(5.0, 0.1, 20, units_a_patient=3), 1e-15) == math.inf


def test_more_noise_fewer_steps_and_rarer_sampling_spend_less():
    base = Spending(2.0, 0.02, 100)
    spent = epsilon(base, 1e-5)
    assert epsilon(replace(base, sigma=2.5), 1e-5) < spent
    assert epsilon(replace(base, steps=50), 1e-5) < spent
    assert epsilon(replace(base, rate=0.01), 1e-5) < spent
    assert epsilon(base, 1e-6) > spent
    assert renyi_epsilon(base, 1e-5) > spent


def test_one_unit_a_patient_as_a_mixture_is_the_usual_step():
    """The mixture of Gaussians for k = 1 is written out here: 1 − q at 0 and q at 1."""
    from dp_accounting.pld import privacy_loss_distribution as pld

    mixture = pld.from_mixture_gaussian_mechanism(
        2.0, sensitivities=[0.0, 1.0], sampling_probs=[0.98, 0.02], value_discretization_interval=1e-3
    )
    assert mixture.self_compose(50).get_epsilon_for_delta(1e-5) == pytest.approx(
        epsilon(Spending(2.0, 0.02, 50), 1e-5, interval=1e-3), rel=1e-3
    )


def test_several_units_a_patient_have_no_renyi_figure():
    assert renyi_epsilon(Spending(2.0, 0.02, 50, units_a_patient=2), 1e-5) is None


@pytest.mark.parametrize("target", [0.34, pytest.param(2.0, marks=pytest.mark.slow)])
def test_calibrated_noise_is_enough_and_a_little_less_is_not(target):
    spending = Spending(1, 0.05, 20)
    sigma = calibrate(target, 1e-5, spending)
    assert epsilon(replace(spending, sigma=sigma), 1e-5) <= target
    assert epsilon(replace(spending, sigma=sigma * 0.998), 1e-5) > target


def test_a_large_epsilon_needs_no_more_than_the_least_noise():
    assert calibrate(1e4, 1e-5, Spending(1, 0.01, 2)) == 0.3


@pytest.mark.parametrize("spending", [Spending(0.001, 0.2, 4), Spending(0.3, 1.0, 100_000)])
def test_next_to_no_noise_is_a_large_figure_and_no_endless_work(spending):
    spent = epsilon(spending, 1e-5)
    assert 1e5 < spent < 3e6
    assert spent <= renyi_epsilon(spending, 1e-5) * 1.1


def test_an_epsilon_that_no_noise_gives():
    says = "no noise multiplier up to 1,000,000 with an epsilon of 1e-09 at a delta of 1e-30; give larger"
    with pytest.raises(InputError, match=says):
        calibrate(1e-9, 1e-30, Spending(1, 0.5, 10))


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(InputError, match=r"needs the package dp-accounting; install it with `pip install"):
        epsilon(Spending(1, 0.1, 1), 1e-5)
