"""Intervals that hold another training: simulated trainings, which know nothing of the formula."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.defences import over_trainings
from relinkage.linkage.uncertainty import ClusterBootstrap

shares = st.floats(0, 1, allow_nan=False)


@given(shares, shares, shares, st.lists(shares, min_size=0, max_size=6))
def test_an_interval_is_never_narrowed_and_keeps_its_figure(value, down, up, others):
    low, high = value - down, value + up
    least, most = over_trainings(value, low, high, [value, *others], 0.95)
    assert least <= low + 1e-12
    assert most >= high - 1e-12


def test_one_training_and_trainings_that_agree_leave_it_as_it_is():
    assert over_trainings(0.5, 0.4, 0.6, [0.5], 0.95) == (0.4, 0.6)
    assert over_trainings(0.5, 0.5, 0.5, [0.5, 0.5, 0.5], 0.95) == (0.5, 0.5)


def test_an_end_without_a_bound_stays_without_one():
    low, high = over_trainings(-0.5, -0.6, float("inf"), [-0.5, -0.4], 0.95)
    assert low < -0.6
    assert high == float("inf")


def held(ratio, trainings, cohorts, level=0.95, seed=0):
    """Return how often the interval holds another training's figure, and the mean of all trainings.

    A training shifts the mean by noise `ratio` times as large as that of the patients.
    """
    random = np.random.default_rng(seed)
    error = random.standard_normal(cohorts)
    shift = ratio * random.standard_normal((cohorts, trainings + 1))
    seen = error[:, None] + shift[:, :trainings]
    ends = np.array(
        [over_trainings(row[0], row[0] - 1.96, row[0] + 1.96, row, level) for row in seen.tolist()]
    )
    inside = [(ends[:, 0] <= truth) & (truth <= ends[:, 1]) for truth in (shift[:, -1], np.zeros(cohorts))]
    return [float(part.mean()) for part in inside]


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("trainings", [2, 3, 5])
def test_it_holds_another_training_however_much_they_differ(ratio, trainings):
    another, mean = held(ratio, trainings, 4_000)
    assert another > 0.93
    assert mean > 0.94


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.0, 0.02, 0.08])
def test_it_holds_the_recall_of_another_training_on_all_patients(spread):
    """Patients with several images each; every training finds some of them more easily than others."""
    random = np.random.default_rng(3)
    population, cohorts, patients = 20_000, 400, 150
    own = random.normal(-1.0, 1.0, population)
    inside = 0
    for _ in range(cohorts):
        level = random.normal(0, 1, 6) * spread * 10
        chosen = random.integers(0, population, patients)
        images = random.integers(1, 5, patients)
        who = np.repeat(np.arange(patients), images)
        hits = []
        for training in range(5):
            easy = 1 / (1 + np.exp(-(own[chosen][who] + level[training])))
            hits.append((random.random(len(who)) < easy).astype(float))
        (truth,) = [float((1 / (1 + np.exp(-(own + level[5])))).mean())]
        drawn = ClusterBootstrap.draw(hits[0][:, None], who, 400, 0).interval(0.95)
        figures = [float(one.mean()) for one in hits]
        low, high = over_trainings(figures[0], float(drawn.low[0]), float(drawn.high[0]), figures, 0.95)
        inside += low <= truth <= high
    assert inside / cohorts > 0.93


def test_the_interval_over_patients_alone_holds_few_other_trainings():
    """What is mended: with trainings that differ thrice as much as patients do, a third was held."""
    random = np.random.default_rng(0)
    error, shift = random.standard_normal(4_000), 3 * random.standard_normal((4_000, 2))
    assert (np.abs(error + shift[:, 0] - shift[:, 1]) <= 1.96).mean() < 0.4
