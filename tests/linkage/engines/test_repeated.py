"""Vectors that many share are compared once, and every count stays what float64 gives."""

import numpy as np
import oracle
from exactness import assert_counts
from hypothesis import given, settings
from hypothesis import strategies as st

from relinkage.linkage.engines import Portable, blocks, repeated
from relinkage.linkage.ranks import Strata, _Asking, count_both, count_ranks
from relinkage.linkage.vectors import Vectors


class Spy(Portable):
    """Keeps every question it is asked."""

    def __init__(self):
        super().__init__(bfloat=False)
        self.asked = []

    def count(self, question, *, threads=None):
        self.asked.append(question)
        return super().count(question, threads=threads)


def drawn(rng, size, kinds, share, d, dtype):
    """Vectors of which a share is one of a few, some at three times the length."""
    array = rng.normal(size=(size, d)) + 0.5
    alike = rng.random(size) < share
    array[alike] = array[rng.integers(0, min(kinds, size), alike.sum())]
    return (array * rng.choice([1, 1, 2, 3], size)[:, None]).astype(dtype)


def nested(rng, n, m, levels):
    """Strata inside strata; queries bear what they like, and some what no candidate bears."""
    queries, candidates = rng.integers(0, 4, (levels, n)), rng.integers(0, 3, (levels, m))
    for fine in range(1, levels):
        for side in (queries, candidates):
            side[fine] += 4 * side[fine - 1]
    return Strata(queries, candidates)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 90), m=st.integers(1, 90), kinds=st.integers(1, 4),
    shares=st.tuples(*2 * [st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])]), levels=st.integers(0, 3),
    dtype=st.sampled_from([np.float32, np.float64]),
)  # fmt: skip
def test_any_share_of_equal_vectors_on_either_side(seed, n, m, kinds, shares, levels, dtype):
    rng = np.random.default_rng(seed)
    queries, candidates = (
        drawn(rng, size, kinds, share, 3, dtype) for size, share in zip((n, m), shares, strict=True)
    )
    mate, strata = rng.integers(0, m, n), nested(rng, n, m, levels)
    scores = oracle.cosines(queries, candidates)
    a, b = Vectors.prepare(queries, "queries"), Vectors.prepare(candidates, "candidates")
    forth, back = count_both(a, b, mate, strata=strata, engine=Portable(), threads=2)
    alone = count_ranks(a, b, mate, strata=strata, engine=Portable(), threads=1)
    for level in range(levels + 1):
        meets = np.ones((n, m), bool)
        returns = np.ones((n, n), bool)
        if level:
            meets = strata.queries[level - 1][:, None] == strata.candidates[level - 1]
            returns = strata.candidates[level - 1][mate][:, None] == strata.queries[level - 1]
        expected = oracle.count(scores, mate, meets), oracle.count(scores.T[mate], np.arange(n), returns)
        for got, true in ((forth, expected[0]), (alone, expected[0]), (back, expected[1])):
            assert_counts(got, true, "portable", level)


def test_the_engine_is_asked_about_no_frequent_vector_and_by_all():
    rng = np.random.default_rng(0)
    images, reports = rng.normal(size=(300, 4)), rng.normal(size=(300, 4))
    reports[100:200], images[:60] = reports[100], images[0]
    a, b = Vectors.prepare(images, "images"), Vectors.prepare(reports, "reports")
    spy = Spy()
    count_both(a, b, np.arange(300), engine=spy)
    sizes = [(len(asked.rows), len(asked.columns), asked.column_mates is not None) for asked in spy.asked]
    assert sizes == [(240, 200, True), (60, 200, False), (100, 240, False)]


def test_few_equal_vectors_stay_with_the_engine():
    array = np.random.default_rng(1).normal(size=(300, 4))
    array[:20] = array[0]  # 20² < 2 · 300
    spy, vectors = Spy(), Vectors.prepare(array, "x")
    count_ranks(vectors, vectors, np.arange(300), engine=spy)
    assert [len(asked.columns) for asked in spy.asked] == [300]


def test_what_a_hundred_share_is_spared_however_many_ask():
    array = np.random.default_rng(1).normal(size=(9000, 4)).astype(np.float32)
    array[:96] = array[0]  # 96² < 2 · 9000
    spy, vectors = Spy(), Vectors.prepare(array, "x")
    count_ranks(vectors, vectors, np.arange(9000), engine=spy)
    assert [len(asked.columns) for asked in spy.asked] == [8904]


def test_equal_directions_of_unequal_vectors_are_no_kind():
    """A term one unit in the last place away can vanish when it is divided by the norm; the score may not."""
    row = np.random.default_rng(2).normal(size=8)
    near = row * (1 + 2.0**-52 * np.arange(64)[:, None])
    vectors = Vectors.prepare(near, "x")
    alike = Vectors(near, np.full(64, vectors.inverse_norm[0]), np.zeros(64, int), vectors.mean)
    frequent = repeated.Frequent.among(alike, 10)
    assert (near[frequent.members] == near[0]).all()
    assert len(frequent.others) + len(frequent.members) == 64
    assert len(frequent.others) > 0


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40), st.integers(0, 3))
def test_a_turned_question_holds_the_same_pairs_in_the_same_strata(seed, n, m, levels):
    rng = np.random.default_rng(seed)
    mate, strata = rng.integers(0, m, n), nested(rng, n, m, levels)
    a, b = (Vectors.prepare(np.arange(1.0, size + 1)[:, None], "x") for size in (n, m))
    asking = _Asking.make(a, b, mate, strata)
    whole = asking.question(next(iter(strata.runs())), asking.one_query_each())
    rows, columns = (np.flatnonzero(rng.random(size) < 0.7) for size in (n, m))
    question = whole.some(rows, columns)
    back, order = question.turned()
    row_of = rows[order]
    np.testing.assert_array_equal(back.columns.given, a.given[row_of])
    seen = np.zeros((2, levels, len(columns), n), bool)
    for level in range(levels):
        for place, row in enumerate(rows):
            seen[0, level, question.starts[level, place] : question.ends[level, place], row] = True
        for place in range(len(columns)):
            seen[1, level, place, row_of[back.starts[level, place] : back.ends[level, place]]] = True
    np.testing.assert_array_equal(seen[0], seen[1])
    inside = back.mates.place >= 0
    np.testing.assert_array_equal(row_of[back.mates.place[inside]], rows[question.column_mates.place[inside]])


def test_blocks_from_disk_are_spared_as_blocks_in_memory_are(monkeypatch):
    asked = []
    monkeypatch.setattr(
        repeated, "count", lambda engine, question, **_: asked.append(1) or engine.count(question)
    )
    vectors = Vectors.prepare(np.eye(5), "x")
    count_ranks(vectors, vectors, np.arange(5), engine=blocks.in_blocks(Portable()))
    assert asked == [1]
