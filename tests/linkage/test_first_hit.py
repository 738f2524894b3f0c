"""Recall where several candidates are right is what all pools and all orders of the tied have on average."""

from functools import cache
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from relinkage.linkage.first_hit import (
    chance_of_patient,
    chance_of_text,
    recall_of_patient,
    recall_of_text,
)
from relinkage.linkage.pools import recall_at
from tiers import quick

KS = [1, 2, 3, 9]


def one(function, *counts, ks=KS):
    return function(*(np.array([count], np.int64) for count in counts), ks)[0]


def all_pools(drawn, always, draws):
    """The mean over all pools and all orders of the tied of whether one that is right is within each of KS.

    `drawn` says of every candidate that may be drawn how it stands to the best that is right, and whether it
    is right itself; `always` tied ones that are right are in every pool.
    """
    pools = list(combinations(drawn, draws))
    hits = np.zeros(len(KS))
    for pool in pools:
        above, right = pool.count("above"), pool.count("right") + always
        tied = pool.count("wrong") + right
        orders = list(combinations(range(tied), right))  # where those that are right stand among the tied
        for order in orders:
            hits += (above + min(order) + 1 <= np.array(KS)) / len(orders)
    return hits / len(pools)


@pytest.mark.parametrize("eligible", range(1, 9))
def test_reports_of_one_text_in_every_pool_written_out(eligible):
    for above in range(eligible):
        for ties in range(eligible - above):
            for same in range(ties + 1):
                below = eligible - 1 - above - ties
                drawn = ["above"] * above + ["right"] * same + ["wrong"] * (ties - same) + ["below"] * below
                for pool in range(1, eligible + 1):
                    np.testing.assert_allclose(
                        one(recall_of_text, eligible, above, ties, same, pool),
                        all_pools(drawn, 1, pool - 1),
                        atol=1e-12,
                    )


@pytest.mark.parametrize("own", quick(2, range(1, 5)))
def test_all_candidates_of_a_patient_in_every_pool_written_out(own):
    for others in range(8):
        for above in range(others + 1):
            for ties in range(others - above + 1):
                drawn = ["above"] * above + ["wrong"] * ties + ["below"] * (others - above - ties)
                for draws in range(others + 1):
                    np.testing.assert_allclose(
                        one(recall_of_patient, others + 1, above, ties, own, draws + 1),
                        all_pools(drawn, own, draws),
                        atol=1e-12,
                    )


@cache
def hypergeometric(at_most, population, successes, draws):
    """P(X ≤ at_most), counted in whole numbers."""
    ways = sum(
        comb(successes, i) * comb(population - successes, draws - i)
        for i in range(min(at_most, successes, draws) + 1)
    )
    return ways / comb(population, draws)


def counted_text(eligible, above, ties, same, pool, k):
    """Sum over how many of the text are drawn, and how many of another text stand ahead of the first."""
    population, draws, wrong = eligible - 1, pool - 1, ties - same
    total = 0.0
    for drawn in range(max(0, draws - (population - same)), min(same, draws) + 1):
        share = comb(same, drawn) * comb(population - same, draws - drawn) / comb(population, draws)
        for ahead in range(wrong + 1):
            place = comb(wrong - ahead + drawn, drawn) / comb(wrong + drawn + 1, drawn + 1)
            total += share * place * hypergeometric(k - 1, population - same, above + ahead, draws - drawn)
    return total


def counted_patient(eligible, above, ties, own, pool, k):
    """Sum over how many of the tied stand ahead of the first own one."""
    return sum(
        comb(ties - ahead + own - 1, own - 1)
        / comb(ties + own, own)
        * hypergeometric(k - 1, eligible - 1, above + ahead, pool - 1)
        for ahead in range(ties + 1)
    )


@st.composite
def places(draw, most=60):
    eligible = draw(st.integers(1, most))
    above = draw(st.integers(0, eligible - 1))
    ties = draw(st.integers(0, eligible - 1 - above))
    return eligible, above, ties, draw(st.integers(1, eligible))


ranks = st.lists(st.integers(1, 60), min_size=1, max_size=4).map(sorted)


@given(places(), st.data(), ranks)
def test_reports_of_one_text_counted_in_whole_numbers(place, data, ks):
    *counts, pool = place
    same = data.draw(st.integers(0, counts[2]))
    expected = [counted_text(*counts, same, pool, k) for k in ks]
    np.testing.assert_allclose(one(recall_of_text, *counts, same, pool, ks=ks), expected, atol=1e-10)


@given(places(), st.integers(1, 30), ranks)
def test_candidates_of_a_patient_counted_in_whole_numbers(place, own, ks):
    *counts, pool = place
    expected = [counted_patient(*counts, own, pool, k) for k in ks]
    np.testing.assert_allclose(one(recall_of_patient, *counts, own, pool, ks=ks), expected, atol=1e-10)


@given(places(), ranks)
def test_with_one_that_is_right_both_are_recall_of_the_mate(place, ks):
    *counts, pool = place
    expected = one(recall_at, *counts, pool, ks=ks)
    np.testing.assert_allclose(one(recall_of_text, *counts, 0, pool, ks=ks), expected, atol=1e-10)
    np.testing.assert_allclose(one(recall_of_patient, *counts, 1, pool, ks=ks), expected, atol=1e-10)


@given(places(), st.data())
def test_more_that_are_right_and_more_ranks_are_never_worse(place, data):
    *counts, pool = place
    same = data.draw(st.integers(0, counts[2]))
    ks = list(range(1, 61))
    text, patient = (
        one(law, *counts, right, pool, ks=ks)
        for law, right in ((recall_of_text, same), (recall_of_patient, same + 1))
    )
    mate = one(recall_at, *counts, pool, ks=ks)
    for wider in (text, patient):
        assert (wider >= mate - 1e-10).all()
        assert (np.diff(wider) >= -1e-10).all()
        assert ((wider >= 0) & (wider <= 1)).all()


@given(places(), st.data(), ranks)
def test_an_encoder_that_gives_one_vector_for_all_sits_on_chance(place, data, ks):
    eligible, _, _, pool = place
    same = data.draw(st.integers(0, eligible - 1))
    np.testing.assert_allclose(
        one(recall_of_text, eligible, 0, eligible - 1, same, pool, ks=ks),
        one(chance_of_text, eligible, same, pool, ks=ks),
        atol=1e-10,
    )
    others = eligible - 1
    own = data.draw(st.integers(1, 20))
    np.testing.assert_allclose(
        one(recall_of_patient, eligible, 0, others, own, pool, ks=ks),
        one(chance_of_patient, own, pool - 1 + own, ks=ks),
        atol=1e-10,
    )


@pytest.mark.parametrize(("pool", "same", "own"), [(2, 0, 1), (4, 2, 1), (5, 4, 3), (7, 1, 5), (7, 6, 7)])
def test_chance_is_the_mean_over_all_orders(pool, same, own):
    """A scorer without knowledge: the pool's order is any order."""
    eligible = 7
    text, patient = np.zeros(len(KS)), np.zeros(len(KS))
    pools = list(combinations(range(1, eligible), pool - 1))  # the mate is 0, and 1 … same have its text
    for drawn in pools:
        right = 1 + sum(candidate <= same for candidate in drawn)
        orders = list(combinations(range(1, pool + 1), right))
        text += np.array([[min(order) <= k for k in KS] for order in orders]).mean(axis=0) / len(pools)
    orders = list(combinations(range(1, pool + 1), own))
    patient += np.array([[min(order) <= k for k in KS] for order in orders]).mean(axis=0)
    np.testing.assert_allclose(one(chance_of_text, eligible, same, pool), text, atol=1e-12)
    np.testing.assert_allclose(one(chance_of_patient, own, pool), patient, atol=1e-12)


@pytest.mark.parametrize(("pool", "k"), quick(1, [(100, 1), (10_000, 10), (43_793, 500)]))
def test_large_galleries(pool, k):
    M = 43_793
    above, ties = np.array([0, 3, 400, 40_000]), np.array([30, 200, 500, 1500])
    rows, pools = (np.full(4, M), above, ties), np.full(4, pool)
    own = np.array([1, 2, 9, 60])
    expected = []
    for b, t, y in zip(above, ties, own, strict=True):
        ahead = np.arange(t + 1)
        weight = y / (t + y) * np.cumprod(np.r_[1, (t - ahead[:-1]) / (t + y - 1 - ahead[:-1])])
        expected.append(weight @ hypergeom.cdf(k - 1, M - 1, b + ahead, pool - 1))
    np.testing.assert_allclose(recall_of_patient(*rows, own, pools, [k])[:, 0], expected, atol=1e-8)

    same = np.array([29, 3, 480, 1495])
    expected = []
    for b, t, D in zip(above, ties, same, strict=True):
        law = hypergeom.pmf(np.arange(D + 1), M - 1, D, pool - 1)
        recall = 0.0
        for drawn in np.flatnonzero(law > 1e-12):
            ahead = np.arange(t - D + 1)
            steps = (t - D - ahead[:-1]) / (t - D + drawn - ahead[:-1])
            weight = (drawn + 1) / (t - D + drawn + 1) * np.cumprod(np.r_[1, steps])
            ahead, weight = ahead[weight > 1e-12], weight[weight > 1e-12]
            within = hypergeom.cdf(k - 1, M - 1 - D, b + ahead, pool - 1 - drawn)
            recall += law[drawn] * weight @ within
        expected.append(recall)
    np.testing.assert_allclose(recall_of_text(*rows, same, pools, [k])[:, 0], expected, atol=1e-8)


def test_a_pool_that_does_not_fit_has_no_value():
    assert np.isnan(one(recall_of_text, 5, 1, 2, 1, 6)).all()
    assert np.isnan(one(recall_of_patient, 5, 1, 2, 2, 6)).all()
