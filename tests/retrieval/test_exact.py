"""The exact search finds what brute force by definition finds, in the same order."""

from fractions import Fraction
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from relinkage.errors import InputError
from relinkage.linkage.scores_and_ties import TIE
from relinkage.linkage.vectors import Vectors
from relinkage.retrieval import nearest
from relinkage.retrieval.exact import tied_with_last
from relinkage.retrieval.sides import NOBODY


def by_definition(queries, candidates, top, query_group, candidate_group):
    """Score with exact products, then take run after run of ties, each in the order of the rows."""
    places, last = [], []
    for query, group in zip(queries, query_group, strict=True):
        scores = {
            row: cosine(query, candidate)
            for row, candidate in enumerate(candidates)
            if group == NOBODY or candidate_group[row] != group
        }
        order = []
        while len(order) < top:
            head = max(scores.values())
            run = sorted(row for row, score in scores.items() if score >= head - TIE)
            order += run
            for row in run:
                del scores[row]
        places.append(order[:top])
        last.append(run)
    return places, last


def cosine(a, b):
    product = sum(Fraction(float(x)) * Fraction(float(y)) for x, y in zip(a, b, strict=True))
    return float(product) / sqrt(sum(float(x) ** 2 for x in a)) / sqrt(sum(float(y) ** 2 for y in b))


def vectors(array):
    return Vectors.prepare(np.asarray(array, np.float32), "vectors")


small = st.integers(1, 3)


@st.composite
def problems(draw):
    """Vectors of few small whole numbers, so that there are ties and equal directions, and groups."""
    width, count = draw(small), draw(st.integers(4, 14))
    rows = arrays(np.float32, (count, width), elements=st.integers(-2, 2).map(float))
    nonzero = rows.filter(lambda made: np.abs(made).sum(axis=1).all())
    groups = arrays(np.int64, count, elements=st.integers(0, 8))
    candidates, candidate_group = draw(nonzero), draw(groups)
    queries = candidates[: draw(small)] + np.float32(0)
    query_group = np.where(draw(st.booleans()), candidate_group[: len(queries)], NOBODY)
    fewest = min(int((candidate_group != group).sum()) for group in query_group)
    top = draw(st.integers(1, max(fewest, 1)))
    return queries, candidates, top, query_group, candidate_group, fewest


@settings(max_examples=60)
@given(problems(), st.sampled_from([1, 200, 10**6]))
def test_it_equals_brute_force_whatever_the_block_size(problem, block_bytes):
    queries, candidates, top, query_group, candidate_group, fewest = problem
    if fewest < top:
        with pytest.raises(InputError, match="nothing to find"):
            nearest(vectors(queries), vectors(candidates), top, query_group, candidate_group)
        return
    found = nearest(
        vectors(queries), vectors(candidates), top, query_group, candidate_group, block_bytes=block_bytes
    )
    places, last = by_definition(queries, candidates, top, query_group, candidate_group)
    assert found.place.tolist() == places
    for query, group in enumerate(query_group):
        eligible = np.flatnonzero((candidate_group != group) | (group == NOBODY))
        tied = tied_with_last(vectors(queries), query, vectors(candidates), found, eligible)
        assert tied.tolist() == last[query]
    for query, line, scores in zip(queries, places, found.score, strict=True):
        np.testing.assert_allclose(scores, [cosine(query, candidates[row]) for row in line], atol=1e-14)


@pytest.mark.parametrize(("apart", "order"), [(2.0**-20.5, [0, 1, 2]), (2.0**-19, [1, 0, 2])])
def test_scores_within_the_tie_stand_in_row_order_and_others_do_not(apart, order):
    candidates = Vectors.prepare(np.array([[1, apart], [1, 0], [0, 1.0]]), "candidates")  # 1 − apart² / 2
    query = Vectors.prepare(np.array([[1.0, 0.0]]), "query")
    for top in (1, 2, 3):
        found = nearest(query, candidates, top, np.array([NOBODY]), np.full(3, NOBODY))
        assert found.place[0].tolist() == order[:top]


def test_a_template_report_is_found_with_all_that_are_like_it():
    candidates, query = vectors([[1, 0]] * 5 + [[0, 1]]), vectors([[1, 0.1]])
    found = nearest(query, candidates, 2, np.array([NOBODY]), np.full(6, NOBODY))
    assert found.place[0].tolist() == [0, 1]
    assert tied_with_last(query, 0, candidates, found, np.arange(6)).tolist() == [0, 1, 2, 3, 4]


def test_asking_for_more_than_there_is_says_how_many_there_are():
    with pytest.raises(InputError, match=r"top 3 is more than the 2 candidates .* give at most 2"):
        nearest(vectors([[1, 0]]), vectors([[1, 0]] * 4), 3, np.array([7]), np.array([7, 1, 7, 2]))
