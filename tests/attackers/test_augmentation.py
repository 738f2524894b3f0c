"""A score of an inner product and side terms is the cosine of longer vectors, in order to the last pair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.attackers import augment
from relinkage.linkage import AuditSettings, measure
from relinkage.linkage.ranks import count_ranks
from relinkage.linkage.vectors import Vectors

ROOM = st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 6), st.integers(0, 10**6))


def scene(n, m, d, seed, size=1.0):
    rng = np.random.default_rng(seed)
    f, g = size * rng.normal(size=n) + 3, rng.exponential(size=m) * 50 * size
    left, right = rng.normal(size=(n, d)), 4 * rng.normal(size=(m, d))
    return left, right, f, g, left @ right.T + f[:, None] + g


@given(ROOM)
def test_all_vectors_of_a_side_are_equally_long(room):
    *sides, _ = scene(*room)
    for vectors in augment(*sides):
        lengths = np.linalg.norm(vectors, axis=1)
        np.testing.assert_allclose(lengths, lengths[0], rtol=1e-12)


@given(ROOM, st.sampled_from([0.0, 1e-6, 1.0, 1e3]))
def test_their_inner_product_is_the_score_less_the_terms_means(room, size):
    left, right, f, g, score = scene(*room, size=size)
    u, v = augment(left, right, f, g)
    scale = np.linalg.norm(u[0]) * np.linalg.norm(v[0])
    np.testing.assert_allclose(u @ v.T, score - f.mean() - g.mean(), atol=1e-12 * scale, rtol=0)


@pytest.mark.parametrize("seed", range(6))
def test_the_exact_pass_counts_as_a_double_loop_over_the_scores_does_in_both_directions(seed):
    left, right, f, g, score = scene(300, 200, 5, seed)
    mate = np.random.default_rng(seed).integers(0, 200, 300)
    u, v = (Vectors.prepare(vectors, "scored") for vectors in augment(left, right, f, g))
    forth = count_ranks(u, v, mate)
    back = count_ranks(v.take(mate), u, np.arange(300))
    for query in range(300):
        own = score[query, mate[query]]
        assert forth.above[0][query] == sum(other > own for other in score[query])
        assert back.above[0][query] == sum(other > own for other in score[:, mate[query]])
    assert not forth.ties.any()


def test_the_audit_of_such_vectors_is_that_of_the_score():
    left, right, f, g, score = scene(150, 150, 3, 7)
    right[3], g[3] = right[2], g[2]  # equal texts tie
    score = left @ right.T + f[:, None] + g
    settings = AuditSettings(pool=("full",), k=(1,), direction="both")
    rows = measure(*augment(left, right, f, g), settings=settings).result.closed_set
    for row, scores in zip(rows, (score, score.T), strict=True):
        own = np.diag(scores)[:, None]
        above, tied = (scores > own + 1e-9).sum(1), (np.abs(scores - own) < 1e-9).sum(1)
        assert row.recall == pytest.approx(np.where(above == 0, 1 / tied, 0).mean(), abs=1e-12)


def test_without_side_terms_it_is_the_inner_product():
    left, right, *_ = scene(20, 20, 4, 1)
    u, v = augment(left, right, np.zeros(20), np.zeros(20))
    np.testing.assert_allclose(u @ v.T, left @ right.T, atol=1e-9)


def test_a_score_that_says_nothing_ties_all_pairs():
    u, v = augment(np.zeros((5, 2)), np.zeros((7, 2)), np.full(5, 3.0), np.full(7, -2.0))
    assert np.ptp(u @ v.T) == 0
    assert np.linalg.norm(u, axis=1).min() > 0
