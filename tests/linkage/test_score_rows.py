"""The scores of some queries with all distractors equal plain float64 cosines, sorted."""

import sys

import numpy as np
import pytest
from scipy.special import logsumexp

from relinkage.linkage import AuditSettings, Links
from relinkage.linkage.score_rows import depth_for, score_rows
from relinkage.linkage.vectors import Vectors
from relinkage.linkage.ways import link


def scene(seed, distractors="all", direction="image-to-report", pairs=150):
    rng = np.random.default_rng(seed)
    images, reports = rng.normal(size=(pairs, 5)), rng.normal(size=(pairs, 5))
    reports[:20] = reports[0]
    patient = np.arange(pairs) // 3
    links = Links.row_by_row(pairs, pairs).with_patients(patient)
    settings = AuditSettings(distractors=distractors, direction=direction)
    (way,) = link(Vectors.prepare(images, "i"), Vectors.prepare(reports, "r"), links, settings)
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (images, reports)]
    scores = unit[0] @ unit[1].T
    scores = scores if direction == "image-to-report" else scores.T
    eligible = ~np.eye(pairs, dtype=bool)
    if distractors == "other-patients":
        eligible &= patient[:, None] != patient
    return way, scores, eligible


@pytest.mark.parametrize("direction", ["image-to-report", "report-to-image"])
@pytest.mark.parametrize("distractors", ["all", "other-patients"])
@pytest.mark.parametrize("depth", [0, 7, 150])
def test_rows_equal_sorted_cosines(depth, distractors, direction):
    way, scores, eligible = scene(depth, distractors, direction)
    query = np.arange(0, 150, 2)
    rows = score_rows(way, query, depth, 0.07)
    for place, i in enumerate(query):
        others = np.sort(scores[i][eligible[i]])[::-1]
        assert rows.distractors[place] == len(others)
        there = min(depth, len(others))
        np.testing.assert_allclose(rows.top[place, :there], others[:there], atol=1e-14)
        assert (rows.top[place, there:] < -1e299).all()
        z = others / 0.07
        z = np.append(z, scores[i, i] / 0.07)
        p = np.exp(z - logsumexp(z))
        assert rows.entropy[place] == pytest.approx(-np.sum(p * np.log(p)) / np.log(len(z)), abs=1e-10)


@pytest.mark.parametrize("distractors", ["all", "other-patients"])
@pytest.mark.parametrize("depth", [0, 7, 40, 150])
@pytest.mark.parametrize("temperature", [0.001, 0.07])
def test_candidates_may_come_a_few_at_a_time(monkeypatch, depth, distractors, temperature):
    way, *_ = scene(depth, distractors)
    query = np.arange(0, 150, 2)
    whole = score_rows(way, query, depth, temperature)
    module = sys.modules["relinkage.linkage.score_rows"]
    monkeypatch.setattr(module, "_NUMBERS", 1)
    monkeypatch.setattr(module, "_BLOCK", 20)
    parts = score_rows(way, query, depth, temperature)
    np.testing.assert_array_equal(parts.distractors, whole.distractors)
    np.testing.assert_allclose(parts.top, whole.top, atol=1e-15)
    np.testing.assert_allclose(parts.entropy, whole.entropy, rtol=1e-9, atol=1e-12)


def test_the_entropy_of_equal_scores_is_one_and_of_one_that_stands_out_nought():
    vectors = np.eye(40)
    links = Links.row_by_row(40, 40)
    (way,) = link(Vectors.prepare(vectors, "i"), Vectors.prepare(vectors, "r"), links, AuditSettings())
    assert score_rows(way, np.arange(40), 0, 0.01).entropy == pytest.approx(np.zeros(40), abs=1e-6)
    assert score_rows(way, np.arange(40), 0, 1e4).entropy == pytest.approx(np.ones(40), abs=1e-6)


@pytest.mark.parametrize(("drawn", "candidates"), [(1, 50), (9, 1000), (99, 43793), (9999, 43793)])
def test_what_lies_below_the_depth_is_never_the_best_of_a_pool(drawn, candidates):
    """A pool misses the best r of P distractors with probability C(P − r, D) / C(P, D)."""
    depth = depth_for(drawn, candidates)
    P = candidates - 1
    missed = 1.0
    for i in range(drawn):
        missed *= max(P - depth - i, 0) / (P - i)
    assert missed <= 1e-7
    assert 1 <= depth <= candidates
