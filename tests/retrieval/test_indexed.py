"""An indexed search scores as the exact one, never finds what is left out, and its recall is counted."""

import sys

import numpy as np
import pytest

from relinkage.errors import InputError
from relinkage.linkage.scores_and_ties import TIE
from relinkage.linkage.vectors import Vectors
from relinkage.retrieval import nearest
from relinkage.retrieval.exact import Found, tied_with_last
from relinkage.retrieval.indexed import FaissIndex, recall
from relinkage.retrieval.sides import NOBODY


def clusters(count, width=12, seed=0):
    random = np.random.default_rng(seed)
    centres = random.normal(size=(30, width))
    made = centres[random.integers(30, size=count)] + 0.4 * random.normal(size=(count, width))
    return Vectors.prepare(made.astype(np.float32), "clusters")


def nobody(count):
    return np.full(count, NOBODY, np.int64)


@pytest.fixture(scope="module")
def gallery():
    pytest.importorskip("faiss")
    return clusters(2500)


@pytest.fixture(scope="module")
def index(gallery):
    return FaissIndex.build(gallery, seed=3)


def test_few_candidates_are_one_list_and_the_search_is_exact():
    pytest.importorskip("faiss")
    few, queries = clusters(60), clusters(9, seed=1)
    made = FaissIndex.build(few, seed=0)
    assert (made.lists, made.probed) == (1, 1)
    found, exact = (
        search(queries, few, 5)
        for search in (lambda q, _, k: made.nearest(q, k, nobody(9), nobody(60)), plain)
    )
    assert found.place.tolist() == exact.place.tolist()
    assert found.score.tolist() == exact.score.tolist()


def plain(queries, gallery, top):
    return nearest(queries, gallery, top, nobody(len(queries)), nobody(len(gallery)))


def test_what_it_finds_is_scored_exactly_and_mostly_what_the_exact_search_finds(gallery, index):
    queries = clusters(40, seed=2)
    assert 1 < index.probed < index.lists == 50
    found = index.nearest(queries, 10, nobody(40), nobody(2500))
    exact = plain(queries, gallery, 10)
    everything = plain(queries, gallery, 2500)
    score_of = {
        (query, place): score
        for query, (places, scores) in enumerate(zip(everything.place, everything.score, strict=True))
        for place, score in zip(places.tolist(), scores.tolist(), strict=True)
    }
    for query, (places, scores) in enumerate(zip(found.place, found.score, strict=True)):
        assert [score_of[query, place] for place in places.tolist()] == scores.tolist()
    assert 0.6 < recall(found, exact).mean() <= 1


def test_the_same_seed_gives_the_same_index(gallery, index):
    queries = clusters(40, seed=2)
    again = FaissIndex.build(gallery, seed=3).nearest(queries, 10, nobody(40), nobody(2500))
    assert again.place.tolist() == index.nearest(queries, 10, nobody(40), nobody(2500)).place.tolist()


def test_the_own_group_is_never_found_and_enough_is_even_where_it_fills_the_lists(gallery, index):
    groups = np.zeros(2500, np.int64)
    groups[:5] = 1
    found = index.nearest(gallery.take(np.array([9, 11])), 5, np.zeros(2, np.int64), groups)
    assert sorted(found.place[0]) == sorted(found.place[1]) == [0, 1, 2, 3, 4]


def test_recall_counts_results_as_near_as_the_last_exact_one_and_ties_with_it():
    exact = Found(np.array([[0, 1, 2]]), np.array([[0.9, 0.8, 0.7]]))
    other = Found(np.array([[0, 5, 6]]), np.array([[0.9, 0.7 - TIE / 2, 0.6]]))
    assert recall(exact, exact).tolist() == [1.0]
    assert recall(other, exact).tolist() == [pytest.approx(2 / 3)]


def test_what_ties_with_the_last_is_counted_among_all_and_not_in_what_the_index_looked_into(gallery):
    template = np.tile(gallery.given[:1], (400, 1))
    some = Vectors.prepare(np.concatenate([template, gallery.given]), "with templates")
    made = FaissIndex.build(some, seed=0)
    found = made.nearest(some.take(np.array([0])), 5, nobody(1), nobody(len(some)))
    tied = tied_with_last(some, 0, some, found, np.arange(len(some)))
    assert tied.tolist() == np.flatnonzero((some.given == some.given[0]).all(axis=1)).tolist()


def test_without_faiss_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(InputError, match=r"pip install 'relinkage\[index\]', or leave index out"):
        FaissIndex.build(clusters(50), seed=0)
