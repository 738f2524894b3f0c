"""Where two systems are equally good, comparing them raises no more false alarms than it says.

`test_comparison.py` asks this of the sign-flip test on drawn differences; here two systems rank the same
studies of the same patients, and everything from their linkage tables to Holm's table is the product's own.
"""

import numpy as np
import pytest
from scipy.stats import kstest, norm

from relinkage.linkage import Resampling, Standing
from relinkage.linkage.comparison import Change, holm, sign_flip
from relinkage.linkage.measures import FULL, Cell, recalls

CANDIDATES, PATIENTS, PAIRS = 2000, 40, 400
CELLS = [Cell(50, 1), Cell(50, 5), Cell(500, 1), Cell(500, 10), Cell(FULL, 1)]
HITS = 4
"""The cell whose recalls are plain hits, 0 or 1: most patients do not differ, and p-values come in steps."""


def two_systems(seed, lead=0.0):
    """Draw how two systems rank each study's report, and whose study it is.

    What makes a patient, and a study, easy is half the same for both; what a system makes of a patient is its
    own, and so shared by the patient's studies. `lead` is how much better the second is.
    """
    random = np.random.default_rng([seed, PATIENTS])
    patient = np.repeat(np.arange(PATIENTS), random.integers(1, 7, PATIENTS))
    easy = random.normal(size=PATIENTS)[patient] + random.normal(size=len(patient))
    sides = []
    for gain in (0.0, lead):
        own = random.normal(size=PATIENTS)[patient] + random.normal(size=len(patient))
        above = (CANDIDATES * norm.cdf((easy + own) / 2 - gain) ** 3).astype(np.int64)
        standing = Standing(np.full(len(patient), CANDIDATES), above, np.zeros_like(above))
        sides.append(recalls(standing, CELLS))
    return *sides, patient


def p_values(pairs, lead=0.0):
    """Give the p-values of comparing so many pairs of systems: shape (pairs, cells)."""
    return np.array(
        [
            Change.measure(*two_systems(seed, lead), Resampling(replicates=100, seed=seed)).p
            for seed in range(pairs)
        ]
    )


def most(level, draws):
    """What a share may reach by luck where it is `level`: three standard errors above."""
    return level + 3 * np.sqrt(level * (1 - level) / draws)


@pytest.fixture(scope="module")
def null():
    return p_values(PAIRS)


@pytest.mark.slow
@pytest.mark.parametrize("cell", range(HITS))
def test_p_values_of_equally_good_systems_are_uniform(null, cell):
    assert kstest(null[:, cell], "uniform").pvalue > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.01, 0.05, 0.1, 0.3])
def test_a_p_value_is_at_most_a_level_as_often_as_the_level_says(null, level):
    alarms = (null <= level).mean(axis=0)
    assert (alarms <= most(level, PAIRS)).all()
    # Steps may only make it rarer; elsewhere it is as often.
    assert (alarms[:HITS] >= 2 * level - most(level, PAIRS)).all()


@pytest.mark.slow
def test_one_table_raises_a_false_alarm_in_at_most_one_of_twenty_comparisons(null):
    """The cells of a table go together, so Holm's rule is on the safe side here."""
    adjusted = np.array([holm(p) for p in null])
    assert (adjusted.min(axis=1) <= 0.05).mean() <= most(0.05, PAIRS)
    assert (null.min(axis=1) <= 0.05).mean() > 0.07  # which is what the rule is for


@pytest.mark.slow
def test_a_system_that_is_better_is_told_from_one_that_is_not():
    found = np.array([holm(p) for p in p_values(40, lead=1.0)])
    assert (found[:, :HITS] <= 0.05).mean() > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("moved", [0, 6])
def test_holm_keeps_the_false_alarms_of_a_family_of_ten_at_5_per_cent(moved):
    """The hard case: ten cells that have nothing to do with one another, some of which really moved."""
    random = np.random.default_rng([3, moved])
    families, cells = 800, 10
    patient = np.repeat(np.arange(30), random.integers(1, 5, 30))
    shape = (len(patient), families * cells)
    differences = random.normal(size=(30, families * cells))[patient] + 0.5 * random.normal(size=shape)
    real = np.tile(np.arange(cells) < moved, families)
    differences[:, real] += 3
    p, _ = sign_flip(differences, patient, flips=999, seed=moved)
    adjusted = np.array([holm(family) for family in p.reshape(families, cells)])
    alarms = (adjusted[:, moved:] <= 0.05).any(axis=1).mean()
    assert alarms <= most(0.05, families)
    assert alarms >= 0.02  # not by never raising one
    assert (adjusted[:, :moved] <= 0.05).all()
    assert (p.reshape(families, cells)[:, moved:] <= 0.05).any(axis=1).mean() > 0.15
