"""The figures that go with a map, against their definitions."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from relinkage.retrieval.neighbours import alike, alike_by_chance, kept, neighbours


@st.composite
def scattered(draw):
    """Points on a small grid, so that distances tie, with groups and classes."""
    count = draw(st.integers(4, 12))
    points = draw(arrays(np.float64, (count, 2), elements=st.integers(0, 3).map(float)))
    group = draw(arrays(np.int64, count, elements=st.integers(0, 5)))
    code = draw(arrays(np.int8, count, elements=st.integers(0, 1)))
    fewest = count - np.bincount(group).max()
    assume(fewest >= 1)
    return points, group, code, draw(st.integers(1, int(fewest)))


@settings(max_examples=30)
@given(scattered())
def test_neighbours_are_the_nearest_of_other_groups_and_equal_distances_come_by_row(problem):
    points, group, _, k = problem
    for row, found in enumerate(neighbours(points, k, group)):
        others = [other for other in range(len(points)) if group[other] != group[row]]
        apart = {other: ((points[other] - points[row]) ** 2).sum() for other in others}
        assert found.tolist() == sorted(others, key=lambda other: (apart[other], other))[:k]


@settings(max_examples=30)
@given(scattered())
def test_the_share_alike_and_its_chance_by_counting(problem):
    points, group, code, k = problem
    found = neighbours(points, k, group)
    chance = alike_by_chance(code, group)
    for row, share in enumerate(alike(found, code)):
        assert share == sum(code[other] == code[row] for other in found[row]) / k
        others = [other for other in range(len(points)) if group[other] != group[row]]
        assert chance[row] == pytest.approx(sum(code[o] == code[row] for o in others) / len(others))


@settings(max_examples=30)
@given(scattered())
def test_with_all_others_as_neighbours_the_share_is_chance(problem):
    points, _, code, _ = problem
    alone = np.arange(len(points))
    found = neighbours(points, len(points) - 1, alone)
    np.testing.assert_allclose(alike(found, code), alike_by_chance(code, alone))


@settings(max_examples=30)
@given(scattered())
def test_what_a_map_keeps_by_counting_and_a_copy_keeps_everything(problem):
    points, group, _, k = problem
    in_space, in_map = neighbours(points, k, group), neighbours(points[:, ::-1] ** 2, k, group)
    shares = [len(set(a) & set(b)) / k for a, b in zip(in_space.tolist(), in_map.tolist(), strict=True)]
    assert kept(in_space, in_map).tolist() == shares
    assert (kept(in_space, in_space) == 1).all()
