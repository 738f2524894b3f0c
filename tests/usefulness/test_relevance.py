"""Which cases are alike, the best that can be found, and chance: against lists of sets and random orders."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_sets import cases, jaccard

from relinkage.usefulness.relevance import discounts, positive_sets, prospects


def sides(seed, queries=25, candidates=40, labels=5, groups=12):
    random = np.random.default_rng(seed)
    truths = [(random.random((rows, labels)) < 0.3).astype(np.int8) for rows in (queries, candidates)]
    own = [random.integers(0, groups, rows) for rows in (queries, candidates)]
    return truths, own


@pytest.mark.parametrize("labels", [1, 5, 64, 65, 130])
def test_what_can_be_found_equals_a_loop_over_sets(labels):
    truths, own = sides(0, labels=labels)
    found = prospects(cases(truths[0], own[0]), cases(truths[1], own[1]), k=6)
    for query, (truth, mine) in enumerate(zip(truths[0], own[0], strict=True)):
        others = [other for other, theirs in zip(truths[1], own[1], strict=True) if theirs != mine]
        worth = [jaccard(truth, other) for other in others]
        assert found.eligible[query] == len(others)
        assert found.relevant[query] == sum(value > 0 for value in worth)
        assert found.same[query] == sum(value == 1 for value in worth)
        assert found.gain[query] == pytest.approx(sum(worth))
        best = sorted(worth, reverse=True)[:6]
        assert found.ideal[query] == pytest.approx(sum(np.array(best) * discounts(6)[: len(best)]))


def test_uncertain_and_left_out_labels_are_not_shared():
    sets = positive_sets(np.array([[1, -1, 0], [1, 0, 0], [-1, 1, 1]], np.int8))
    assert sets.ravel().tolist() == [1, 1, 6]


@given(st.integers(0, 30))
def test_chance_is_the_mean_over_all_orders(seed):
    """Seven candidates in each of 5,040 orders, of which two are the query's own."""
    random = np.random.default_rng(seed)
    truth = np.array([[1, 1, 0]])
    others = (random.random((7, 3)) < 0.4).astype(np.int8)
    others[0] = (1, 0, 0)
    own = np.array([1, 1, 1, 1, 1, 0, 0])
    found = prospects(cases(truth, [0]), cases(others, own), k=3)
    worth = [jaccard(truth[0], other) for other, theirs in zip(others, own, strict=True) if theirs]
    orders = list(itertools.permutations(worth))
    hits = [[value > 0 for value in order] for order in orders]
    assert found.chance_precision()[0] == pytest.approx(np.mean([sum(hit[:3]) / 3 for hit in hits]))
    ideal = np.sort(worth)[::-1][:3] @ discounts(3)
    ndcg = np.mean([np.array(order[:3]) @ discounts(3) / ideal for order in orders])
    assert found.chance_ndcg(discounts(3))[0] == pytest.approx(ndcg)
    average = [sum(Fraction(sum(hit[: r + 1]), r + 1) for r in range(5) if hit[r]) / sum(hit) for hit in hits]
    assert found.chance_average_precision()[0] == pytest.approx(float(np.mean(average)))


def test_a_query_without_positive_labels_or_partners_asks_nothing():
    found = prospects(cases([[0, 0], [0, 1], [1, 0]], [0, 1, 2]), cases([[1, 0], [1, 1]], [5, 1]), k=1)
    assert found.asked.tolist() == [False, False, True]
    assert np.isnan(found.chance_average_precision()[:2]).all()
