"""Recall and ranks at every pool size are what all pools, written out or counted, have on average."""

import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from relinkage.linkage.pools import rank, recall_at, reciprocal_rank
from tiers import quick


def one(function, *counts, ks=None):
    arrays = [np.array([count], np.int64) for count in counts]
    return function(*arrays, ks)[0] if ks is not None else function(*arrays)[0]


@st.composite
def places(draw, most=60):
    """Eligible, above, ties and a pool size that go together."""
    eligible = draw(st.integers(1, most))
    above = draw(st.integers(0, eligible - 1))
    ties = draw(st.integers(0, eligible - 1 - above))
    return eligible, above, ties, draw(st.integers(1, eligible))


@pytest.mark.parametrize("eligible", range(1, 9))
def test_every_pool_written_out(eligible):
    for above in range(eligible):
        for ties in range(eligible - above):
            for pool in range(1, eligible + 1):
                law = oracle.rank_law_of_all_pools(eligible, above, ties, pool)
                np.testing.assert_allclose(law, oracle.rank_law(eligible, above, ties, pool), atol=1e-12)
                place, ranks = (eligible, above, ties, pool), np.arange(1, pool + 1)
                np.testing.assert_allclose(
                    one(recall_at, *place, ks=[1, 2, 3, 99]),
                    [law[:1].sum(), law[:2].sum(), law[:3].sum(), 1],
                    atol=1e-12,
                )
                assert one(reciprocal_rank, *place) == pytest.approx((law / ranks).sum(), abs=1e-12)
                assert one(rank, *place) == pytest.approx((law * ranks).sum(), abs=1e-12)


@given(places(), st.lists(st.integers(1, 60), min_size=1, max_size=4).map(sorted))
def test_pools_counted_in_whole_numbers(place, ks):
    law = oracle.rank_law(*place)
    ranks = np.arange(1, len(law) + 1)
    np.testing.assert_allclose(one(recall_at, *place, ks=ks), [law[:k].sum() for k in ks], atol=1e-10)
    assert one(reciprocal_rank, *place) == pytest.approx((law / ranks).sum(), abs=1e-10)
    assert one(rank, *place) == pytest.approx((law * ranks).sum(), abs=1e-10)


@pytest.mark.parametrize("ties", [0, 15, 16, 17, 18, 90])
def test_few_ties_and_many_are_summed_in_two_ways_to_the_same(ties):
    rng = np.random.default_rng(ties)
    eligible = rng.integers(131, 140, 50)
    above = rng.integers(0, 40, 50)
    pool = rng.integers(2, 131, 50)
    tied = np.full(50, ties)
    draws = hypergeom(eligible[:, None] - 1, above[:, None] + np.arange(ties + 1), pool[:, None] - 1)
    recalls = recall_at(eligible, above, tied, pool, [1, 5, 10])
    for place, k in enumerate([1, 5, 10]):
        np.testing.assert_allclose(recalls[:, place], draws.cdf(k - 1).mean(axis=1), atol=1e-10)
    reciprocal = sum(draws.pmf(x) / (x + 1) for x in range(131)).mean(axis=1)
    np.testing.assert_allclose(reciprocal_rank(eligible, above, tied, pool), reciprocal, atol=1e-10)


@pytest.mark.parametrize("k", [1, 10, 100, 1000, 5000])
@pytest.mark.parametrize("pool", quick(1, [10_000, 100, 40_000]))
def test_large_galleries_and_large_k(pool, k):
    """The probability that no distractor ranks ahead can vanish while that of fewer than K does not."""
    eligible = np.full(60, 43_793)
    above = np.unique(np.geomspace(1, 43_792, 60).astype(int))
    eligible = eligible[: len(above)]
    got = recall_at(eligible, above, 0 * above, 0 * above + pool, [k])[:, 0]
    np.testing.assert_allclose(got, hypergeom.cdf(k - 1, 43_792, above, pool - 1), atol=1e-8)


@pytest.mark.parametrize("eligible", [5000, 43_793, 1_000_000])
@pytest.mark.parametrize("pool", quick(2, [2, 1000, 10, 4999]))
def test_reciprocal_ranks_keep_their_digits_in_large_galleries(eligible, pool):
    for above in (0, 1, 7, 300, eligible // 2, eligible - 1):
        got = one(reciprocal_rank, eligible, above, 0, pool)
        # Ahead of the mate stand x of its pool: E(1 / (x + 1)), each term from the one before.
        ahead = np.arange(min(above, pool - 1) + 1)
        share = hypergeom.pmf(ahead, eligible - 1, above, pool - 1)
        assert got == pytest.approx((share / (ahead + 1)).sum(), rel=1e-8)
    assert one(reciprocal_rank, eligible, 0, 0, pool) == pytest.approx(1, abs=1e-12)


def test_what_is_certain_is_exactly_one_and_nothing_exceeds_it():
    above = np.arange(3000)
    whole = np.full(3000, 43_793)
    for pool in (2, 100, 1000, 43_793):
        got = recall_at(whole, above, 0 * above, np.full(3000, pool), [1, 5, 10])
        assert got.max() <= 1
        assert (got[:1, 0] == 1).all()
        assert (got[:5, 1] == 1).all()
        assert (got[:10, 2] == 1).all()


@given(places(400))
def test_all_candidates_tied_leave_chance(place):
    eligible, _, _, pool = place
    ks = [k for k in (1, 5, 10) if k <= pool]
    np.testing.assert_allclose(
        one(recall_at, eligible, 0, eligible - 1, pool, ks=ks), np.array(ks) / pool, atol=1e-9
    )
    assert one(rank, eligible, 0, eligible - 1, pool) == pytest.approx((pool + 1) / 2)
    harmonic = (1 / np.arange(1, pool + 1)).sum() / pool
    assert one(reciprocal_rank, eligible, 0, eligible - 1, pool) == pytest.approx(harmonic)


@given(st.integers(1, 300), st.data())
def test_a_mate_at_every_place_in_turn_leaves_chance(eligible, data):
    """A scorer that puts the mate anywhere with equal probability has recall K/N: not nearly, exactly."""
    pool = data.draw(st.integers(1, eligible))
    above, same = np.arange(eligible), np.ones(eligible, np.int64)
    recalls = recall_at(same * eligible, above, same * 0, same * pool, [1, 5, 10])
    np.testing.assert_allclose(recalls.mean(axis=0), np.minimum(np.array([1, 5, 10]) / pool, 1), atol=1e-9)


@given(places(200))
def test_recall_rises_with_k_and_falls_with_the_pool(place):
    eligible, above, ties, _ = place
    ks = range(1, eligible + 1)
    pools = np.arange(1, eligible + 1)
    same = np.ones(eligible, np.int64)
    recalls = recall_at(same * eligible, same * above, same * ties, pools, ks)
    assert (np.diff(recalls, axis=1) >= -1e-10).all()
    assert (np.diff(recalls, axis=0) <= 1e-10).all()
    assert (np.diff(reciprocal_rank(same * eligible, same * above, same * ties, pools)) <= 1e-10).all()


@given(places(200))
def test_in_the_full_pool_the_rank_is_the_rank(place):
    eligible, above, ties, _ = place
    recalls = one(recall_at, eligible, above, ties, eligible, ks=range(1, eligible + 1))
    plain = [np.mean([above + lifted < k for lifted in range(ties + 1)]) for k in range(1, eligible + 1)]
    np.testing.assert_allclose(recalls, plain, atol=1e-10)
    assert one(rank, eligible, above, ties, eligible) == pytest.approx(1 + above + ties / 2)


def test_a_pool_of_two_gives_the_share_of_distractors_below_the_mate():
    """Recall@1 at N = 2 is the area under the curve of one mate against its distractors."""
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 9, 300)
    above, ties = (scores[1:] > scores[0]).sum(), (scores[1:] == scores[0]).sum()
    expected = ((scores[1:] < scores[0]) + (scores[1:] == scores[0]) / 2).mean()
    assert one(recall_at, 300, above, ties, 2, ks=[1])[0] == pytest.approx(expected)


def test_too_few_candidates_leave_no_value():
    few, enough = np.array([9, 10]), np.array([10, 10])
    assert np.isnan(recall_at(few, few * 0, few * 0, enough, [1, 5])).tolist() == [[True] * 2, [False] * 2]
    many_ties = few - 1
    assert np.isnan(recall_at(few * 9, few * 0, many_ties * 9, enough * 9, [1])).ravel().tolist() == [
        True,
        False,
    ]
    assert np.isnan(reciprocal_rank(few, few * 0, few * 0, enough)).tolist() == [True, False]
    assert np.isnan(rank(few, few * 0, few * 0, enough)).tolist() == [True, False]
