"""Retrieval equals a full sort, and where candidates tie the mean over all their orders."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_sets import cases, jaccard

from relinkage.usefulness import retrieval
from relinkage.usefulness.relevance import discounts, prospects
from relinkage.usefulness.retrieval import average_precision, top_measures, unit


def drawn(seed, queries=20, candidates=60, width=6, labels=4):
    random = np.random.default_rng(seed)
    vectors = [unit(random.normal(size=(rows, width)).astype(np.float32)) for rows in (queries, candidates)]
    truths = [(random.random((rows, labels)) < 0.35).astype(np.int8) for rows in (queries, candidates)]
    truths[0][:, 0] |= truths[0].sum(axis=1) == 0
    own = [np.arange(queries) // 2, np.append(np.arange(candidates - 10) // 3, np.arange(10))]
    return vectors, truths, own


def measures(order, k):
    """Look at candidates in an order of Jaccard indices: precision, equal sets, gain, average precision."""
    hits = np.array(order) > 0
    ranks = np.arange(1, len(order) + 1)
    average = (np.cumsum(hits) / ranks)[hits].mean() if hits.any() else np.nan
    gain = np.array(order[:k]) @ discounts(k)
    return [hits[:k].mean(), (np.array(order[:k]) == 1).mean(), gain, average]


def found(vectors, truths, own, k):
    queries, candidates = (cases(truth, mine) for truth, mine in zip(truths, own, strict=True))
    top = top_measures(queries, vectors[0], candidates, vectors[1], k)
    rows = np.arange(len(queries))
    return np.column_stack([top, average_precision(queries, vectors[0], candidates, vectors[1], rows)])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("k", [1, 5, 10])
def test_figures_equal_a_full_sort_without_the_querys_own_cases(seed, k):
    vectors, truths, own = drawn(seed)
    made = found(vectors, truths, own, k)
    scores = vectors[0] @ vectors[1].T
    for query in range(len(scores)):
        others = np.flatnonzero(own[1] != own[0][query])
        order = others[np.argsort(-scores[query, others])]
        worth = [jaccard(truths[0][query], truths[1][other]) for other in order]
        np.testing.assert_allclose(made[query], measures(worth, k), rtol=1e-12)


@given(st.integers(0, 40), st.integers(1, 5))
def test_tied_candidates_count_as_the_mean_over_all_their_orders(seed, k):
    """Six candidates on three directions: every order of equals is enumerated."""
    random = np.random.default_rng(seed)
    directions = unit(random.normal(size=(3, 4)).astype(np.float32))
    which = random.integers(0, 3, 6)
    truths = [np.array([[1, 1, 0]]), (random.random((6, 3)) < 0.5).astype(np.int8)]
    query = unit(random.normal(size=(1, 4)).astype(np.float32))
    made = found([query, directions[which]], truths, [np.array([9]), np.arange(6)], k)
    scores = (query @ directions.T)[0][which]
    worth = [jaccard(truths[0][0], other) for other in truths[1]]
    orders = [
        order for order in itertools.permutations(range(6)) if (np.diff(scores[list(order)]) <= 1e-9).all()
    ]
    expected = np.mean([measures([worth[place] for place in order], k) for order in orders], axis=0)
    np.testing.assert_allclose(made[0], expected, rtol=1e-12)


def test_where_everything_ties_the_figures_are_those_of_chance():
    vectors, truths, own = drawn(1)
    vectors[1][:] = vectors[1][0]
    queries, candidates = (cases(truth, mine) for truth, mine in zip(truths, own, strict=True))
    ahead = prospects(queries, candidates, 5)
    made = found(vectors, truths, own, 5)
    np.testing.assert_allclose(made[:, 0], ahead.chance_precision())
    np.testing.assert_allclose(made[:, 1], ahead.chance_same())
    np.testing.assert_allclose(made[:, 2] / ahead.ideal, ahead.chance_ndcg(discounts(5)))
    np.testing.assert_allclose(made[:, 3], ahead.chance_average_precision())


def test_the_size_of_blocks_does_not_matter(monkeypatch):
    vectors, truths, own = drawn(2)
    whole = found(vectors, truths, own, 5)
    monkeypatch.setattr(retrieval, "_BLOCK_BYTES", 8 * 60 * 7)
    np.testing.assert_allclose(found(vectors, truths, own, 5), whole, rtol=1e-12)


@pytest.mark.slow
@given(st.permutations(range(60)))
def test_neither_the_order_of_candidates_nor_a_common_rotation_matters(order):
    vectors, truths, own = drawn(3)
    order = np.array(order)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0]
    moved = [vectors[0] @ turn, (vectors[1] @ turn)[order]]
    made = found(moved, [truths[0], truths[1][order]], [own[0], own[1][order]], 5)
    np.testing.assert_allclose(made, found(vectors, truths, own, 5), rtol=1e-9)


def test_some_queries_may_be_asked_alone():
    vectors, truths, own = drawn(4)
    queries, candidates = (cases(truth, mine) for truth, mine in zip(truths, own, strict=True))
    rows = np.array([3, 17])
    some = average_precision(queries, vectors[0], candidates, vectors[1], rows)
    np.testing.assert_array_equal(some, found(vectors, truths, own, 1)[rows, 3])
