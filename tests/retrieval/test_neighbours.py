"""The figures that go with a map, against their definitions: the mean over all orders of the points."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from relinkage.retrieval import neighbours
from relinkage.retrieval.neighbours import alike, alike_by_chance, kept


@st.composite
def scattered(draw, most=12):
    """Points on a small grid, so that distances tie, with groups, classes and another place for each."""
    count = draw(st.integers(4, most))
    grid = arrays(np.float64, (count, 2), elements=st.integers(0, 2).map(float))
    group = draw(arrays(np.int64, count, elements=st.integers(0, 5)))
    code = draw(arrays(np.int8, count, elements=st.integers(0, 1)))
    fewest = count - np.bincount(group).max()
    assume(fewest >= 1)
    return draw(grid), draw(grid), group, code, draw(st.integers(1, int(fewest)))


def nearest_by_row(points, k, group, row, order):
    """Sort the points of other groups by exact distance, equal ones as they stand in an order."""
    others = [other for other in order if group[other] != group[row]]
    return sorted(others, key=lambda other: ((points[other] - points[row]) ** 2).sum())[:k]


@settings(max_examples=15, deadline=None)
@given(scattered(most=6))
def test_both_figures_are_the_mean_over_every_order_of_the_points(problem):
    points, elsewhere, group, code, k = problem
    same, shared = np.zeros(len(points)), np.zeros(len(points))
    orders = list(permutations(range(len(points))))
    for order in orders:
        for row in range(len(points)):
            here, there = (nearest_by_row(where, k, group, row, order) for where in (points, elsewhere))
            same[row] += sum(code[other] == code[row] for other in here) / k
            shared[row] += len(set(here) & set(there)) / k
    np.testing.assert_allclose(alike(points, k, group, code), same / len(orders))
    np.testing.assert_allclose(kept(points, elsewhere, k, group), shared / len(orders))


@given(scattered(), st.randoms(use_true_random=False))
def test_the_order_of_the_points_does_not_matter(problem, random):
    points, elsewhere, group, code, k = problem
    order = list(range(len(points)))
    random.shuffle(order)
    moved = points[order], k, group[order]
    np.testing.assert_allclose(alike(*moved, code[order]), alike(points, k, group, code)[order])
    np.testing.assert_allclose(
        kept(points[order], elsewhere[order], k, group[order]), kept(points, elsewhere, k, group)[order]
    )


@given(scattered())
def test_the_size_of_blocks_does_not_matter(problem):
    points, elsewhere, group, code, k = problem
    whole = alike(points, k, group, code), kept(points, elsewhere, k, group)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(neighbours, "_BLOCK", 3)
        np.testing.assert_array_equal(alike(points, k, group, code), whole[0])
        np.testing.assert_array_equal(kept(points, elsewhere, k, group), whole[1])


@given(scattered())
def test_chance_is_the_share_among_all_others(problem):
    _, _, group, code, _ = problem
    for row, chance in enumerate(alike_by_chance(code, group)):
        others = [other for other in range(len(code)) if group[other] != group[row]]
        assert chance == pytest.approx(sum(code[o] == code[row] for o in others) / len(others))


@given(scattered())
def test_where_everything_ties_or_everyone_is_a_neighbour_the_share_is_chance(problem):
    points, _, group, code, k = problem
    chance = alike_by_chance(code, group)
    np.testing.assert_allclose(alike(np.ones_like(points), k, group, code), chance)
    alone = np.arange(len(points))
    np.testing.assert_allclose(
        alike(points, len(points) - 1, alone, code), alike_by_chance(code, alone), atol=1e-12
    )


@given(scattered())
def test_a_copy_keeps_everything_and_a_map_of_one_place_keeps_what_chance_keeps(problem):
    points, _, group, _, k = problem
    np.testing.assert_allclose(kept(points, points, k, group), 1)
    apart = 2.0 ** np.arange(len(points))[:, None] * np.ones((1, 2))  # no two distances tie
    others = len(points) - np.bincount(group)[group]
    np.testing.assert_allclose(kept(apart, np.ones((len(points), 2)), k, group), k / others)


def test_distances_of_unit_vectors_tie_where_their_cosines_do():
    angle = np.array([0.0, 0.5, 0.5 + 2.0**-41, 0.5 + 2.0**-30])
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    code = np.array([0, 0, 1, 0], np.int8)
    assert alike(points, 1, np.arange(4), code)[0] == 0.5  # the first two of the three tie
    assert alike(points, 2, np.arange(4), code)[0] == 0.5
    assert alike(points, 3, np.arange(4), code)[0] == pytest.approx(2 / 3)
