"""k-same: nobody in a group can be told from its others by vectors, and the bound holds for any attacker."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.defences import KSame, k_same_bound
from relinkage.defences.k_same import grouped


@given(points=st.integers(1, 60), k=st.integers(1, 12), seed=st.integers(0, 99))
def test_grouped_gives_every_group_k_members_or_all_there_are(points, k, seed):
    group = grouped(np.random.default_rng(seed).normal(size=(points, 3)), k)
    sizes = np.bincount(group)
    assert sizes.min() >= min(k, points)
    assert sizes.max() < 2 * k or len(sizes) == 1
    assert (group >= 0).all()


def test_grouped_takes_equal_points_too():
    assert np.bincount(grouped(np.zeros((10, 2)), 3)).tolist() == [3, 3, 4]


@given(seed=st.integers(0, 99), k=st.integers(1, 5))
def test_k_same_gives_all_images_of_a_group_of_patients_one_vector(seed, k):
    random = np.random.default_rng(seed)
    patient = random.integers(0, 20, size=60)
    images = random.normal(size=(60, 4)).astype(np.float32)
    released = KSame(k).released(images, patient)
    of_patient = [released[patient == one] for one in np.unique(patient)]
    assert all((rows == rows[0]).all() for rows in of_patient)
    _, shared = np.unique(np.stack([rows[0] for rows in of_patient]), axis=0, return_counts=True)
    assert shared.min() >= min(k, len(of_patient))


def test_k_same_weighs_patients_alike_however_many_images_they_have():
    images = np.float32([[1, 0], [1, 0], [1, 0], [0, 1]])
    assert KSame(2).released(images, np.array([0, 0, 0, 1])).tolist() == [[0.5, 0.5]] * 4


def test_grouping_patients_keeps_the_bound_where_grouping_images_does_not():
    """Patients with 10, 1 and 1 images: image by image, most groups of three are one patient's."""
    patient = np.array([0] * 10 + [1, 2])
    images = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    assert len(np.unique(KSame(3).released(images, patient), axis=0)) == 1
    assert len(np.unique(KSame(3).released(images, np.arange(12)), axis=0)) > 1


@pytest.mark.parametrize(("k", "candidates", "pool"), [(1, 8, 3), (3, 8, 3), (3, 8, 8), (5, 9, 4), (9, 9, 2)])
def test_k_same_bound_is_what_an_attacker_reaches_who_ranks_the_group_first(k, candidates, pool):
    """Every pool counted: the patients of the group are candidates 0 … k − 1, ranked in that order."""
    hits = []
    for mate in range(k):
        others = [one for one in range(candidates) if one != mate]
        pools = list(combinations(others, pool - 1))
        hits.append(np.mean([mate < min(drawn) for drawn in pools]))
    assert k_same_bound(k, candidates, pool) == pytest.approx(np.mean(hits), abs=1e-12)


@given(seed=st.integers(0, 30), k=st.integers(2, 4))
def test_no_order_of_candidates_exceeds_the_bound_of_k_same(seed, k):
    """Any scorer sees one query for all of a group; here it is one that knows the mates of all."""
    random = np.random.default_rng(seed)
    candidates, pool = 12, 4
    group = grouped(random.normal(size=(candidates, 2)), k)
    hits = np.zeros(candidates)
    for one in range(group.max() + 1):
        members = np.flatnonzero(group == one)
        place = np.argsort(np.concatenate([members, np.setdiff1d(np.arange(candidates), members)]))
        for mate in members:
            others = [other for other in range(candidates) if other != mate]
            hits[mate] = np.mean(
                [place[mate] < place[list(drawn)].min() for drawn in combinations(others, pool - 1)]
            )
    assert hits.mean() <= k_same_bound(k, candidates, pool) + 1e-12


def test_k_same_bound_falls_with_k_and_with_the_pool():
    assert k_same_bound(10, 10_000, 100) == pytest.approx(0.957, abs=5e-4)
    assert k_same_bound(10, 10_000, 10_000) == pytest.approx(0.1)
    bounds = [[k_same_bound(k, 500, pool) for pool in (2, 50, 500)] for k in (1, 5, 50)]
    assert (np.diff(bounds, axis=0) <= 0).all()
    assert (np.diff(bounds, axis=1) <= 1e-12).all()
