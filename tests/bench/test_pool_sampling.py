"""Drawn pools and the closed form mean the same thing."""

import numpy as np
import pytest
from bench.planting import planted
from bench.pool_sampling import closed_form, drawn

from relinkage.linkage.ranks import count_ranks
from relinkage.linkage.vectors import Vectors


def counted(images, reports):
    counts = count_ranks(
        Vectors.prepare(images, "images"), Vectors.prepare(reports, "reports"), np.arange(len(images))
    )
    return counts.above[0], counts.ties[0]


def planted_units(pairs):
    sides = planted(pairs, 8)
    return [side / np.linalg.norm(side, axis=1, keepdims=True) for side in sides]


def test_drawn_pools_scatter_around_the_closed_form():
    images, reports = planted_units(200)
    exact = closed_form(*counted(images, reports), 20)
    recall = drawn(images, reports, 20, 2_000, 60)
    assert len(recall) == 2_000
    assert abs(recall.mean() - exact) < 4 * recall.std() / np.sqrt(len(recall))
    assert recall.std() > 0


def test_the_pool_of_all_is_drawn_as_it_is():
    images, reports = planted_units(60)
    reports += np.random.default_rng(3).standard_normal(reports.shape).astype(np.float32) * 1e-3  # no ties
    reports /= np.linalg.norm(reports, axis=1, keepdims=True)
    exact = closed_form(*counted(images, reports), 60)
    assert drawn(images, reports, 60, 3, 60) == pytest.approx(exact)


def test_a_spent_budget_ends_the_draws():
    assert len(drawn(*planted_units(60), 20, 1_000, 0)) == 2
