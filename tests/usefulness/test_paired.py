"""A figure beside its baseline: paired, cautious where little was seen, nothing where nothing differs."""

import numpy as np
import pytest

from relinkage.linkage.estimates import Difference
from relinkage.linkage.uncertainty import ClusterBootstrap
from relinkage.usefulness.paired import Paired


def drawn(seed=0, rows=600):
    """Give two scorers of the same 200 patients: they mostly agree; neither ever misses in the third cell."""
    random = np.random.default_rng(seed)
    patient = random.integers(0, 200, rows)
    easy = random.random(rows)[:, None]
    values = [np.clip(easy + shift + 0.05 * random.normal(size=(rows, 3)), 0, 1) for shift in (0.0, -0.05)]
    values[0][:, 2] = values[1][:, 2] = 1
    return [ClusterBootstrap.draw(value, patient, 400, seed=1) for value in values]


def test_without_a_baseline_there_is_the_figure_alone():
    made = Paired.of(drawn()[0], None, 0.95)
    assert made.at(0, 0.5).baseline is None
    assert made.at(0, 0.5).difference is None
    assert made.at(0, 0.5).measured.low < made.at(0, 0.5).measured.value < made.at(0, 0.5).measured.high


def test_the_difference_is_that_of_the_figures_and_narrower_than_either():
    first, second = drawn()
    made = Paired.of(first, second, 0.95)
    cell = made.at(0, 0.5)
    assert cell.difference.value == pytest.approx(cell.measured.value - cell.baseline.value)
    widths = {side: getattr(cell, side).high - getattr(cell, side).low for side in ("measured", "difference")}
    assert widths["difference"] < widths["measured"] / 2
    assert cell.difference.low > 0


def test_where_hardly_a_miss_was_seen_the_interval_of_the_difference_still_has_a_width():
    made = Paired.of(*drawn(), 0.95).at(2, 0.5)
    assert made.difference.value == 0
    assert made.difference.low < -0.005
    assert made.difference.high > 0.005


def test_equal_scores_cannot_differ():
    first, second = drawn()
    made = Paired.of(first, second, 0.95, np.array([False, False, True]))
    assert made.at(2, 0.5).difference == Difference(value=0, low=0, high=0)
    assert made.at(1, 0.5).difference.low > 0


def test_swapping_the_sides_mirrors_the_difference():
    first, second = drawn()
    there, back = (Paired.of(*sides, 0.95).difference for sides in ((first, second), (second, first)))
    np.testing.assert_allclose(there.mean, -back.mean)
    np.testing.assert_allclose(there.low, -back.high, atol=1e-9)
