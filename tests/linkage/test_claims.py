"""Probabilities of claims equal counting every pool."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.linkage.claims import SCORES, absent_claims, mean_absent_claims, right_claims, wrong_claims
from relinkage.linkage.score_rows import ScoreRows

TAU = 0.3


def rows_of(scores):
    """Rows as `score_rows` gives them, for one query: all scores, descending."""
    scores = np.asarray(scores, np.float64)
    log_mean = np.log(np.mean(np.exp(scores / TAU)))
    return ScoreRows(
        np.zeros(1, np.int64), np.array([len(scores)]), np.sort(scores)[None, ::-1], np.array([log_mean]),
        np.zeros(1),
    )  # fmt: skip


def value(score, pool, others, log_mean):
    """What an attacker compares with his threshold: the pool's best score, its margin, its log-odds."""
    best = np.sort(pool)[::-1]
    if score == "cosine":
        return best[0]
    if score == "margin":
        return best[0] - best[1]
    return best[0] / TAU - log_mean - np.log(others)


def counted(score, scores, mate, drawn, threshold, absent_drawn):
    """Count pools: claims without the mate, right and wrong claims with it; the mate is no distractor."""
    log_mean = float(rows_of(scores).log_mean[0])
    absent = np.mean(
        [
            value(score, pool, absent_drawn - 1, log_mean) >= threshold
            for pool in combinations(scores, absent_drawn)
        ]
    )
    right, wrong = [], []
    for pool in combinations(scores, drawn):
        claimed = value(score, [*pool, mate], drawn, log_mean) >= threshold
        best = max(pool)
        first = float(mate > best) if mate != best else 1 / (1 + sum(s == mate for s in pool))
        right.append(claimed * first)
        wrong.append(claimed * (1 - first))
    return absent, np.mean(right), np.mean(wrong)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("lattice", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_claims_equal_counting_every_pool(seed, lattice, score):
    rng = np.random.default_rng(seed)
    scores = rng.integers(-4, 5, 8) / 8 if lattice else rng.uniform(-1, 1, 8)
    mate = rng.integers(0, 8) / 8 if lattice else rng.uniform(0, 1)
    rows = rows_of(scores)
    for drawn in (1, 2, 4, 7, 8):
        absent_drawn = min(drawn + 1, 8)
        first = counted("cosine", scores, mate, drawn, -2, absent_drawn)[1]
        for threshold in rng.uniform(0.01, 0.9, 4) if score == "margin" else rng.uniform(-1, 1, 4):
            expected = counted(score, scores, mate, drawn, threshold, absent_drawn)
            size = np.array([drawn])
            present = (rows, score, np.array([mate]), np.array([first]), size, threshold, TAU)
            made = (
                absent_claims(rows, score, np.array([absent_drawn]), threshold, TAU)[0],
                right_claims(*present)[0],
                wrong_claims(*present)[0],
            )
            assert made == pytest.approx(expected, abs=1e-9)


@given(st.integers(0, 2**31), st.sampled_from(SCORES))
def test_a_higher_threshold_brings_fewer_claims(seed, score):
    rng = np.random.default_rng(seed)
    rows, drawn = rows_of(rng.uniform(-1, 1, 60)), np.array([10])
    low, high = np.sort(rng.uniform(0.001, 1, 2))
    first = np.array([0.4])
    for claimed in (
        lambda at: absent_claims(rows, score, drawn, at, TAU),
        lambda at: right_claims(rows, score, np.array([0.5]), first, drawn, at, TAU),
    ):
        assert claimed(high)[0] <= claimed(low)[0] + 1e-12


def test_a_margin_is_never_claimed_where_the_best_is_tied():
    rows = rows_of([0.5, 0.5, -0.9])
    assert absent_claims(rows, "margin", np.array([3]), 1e-6, TAU)[0] == 0
    assert absent_claims(rows, "margin", np.array([2]), 1e-6, TAU)[0] == pytest.approx(2 / 3)


def test_alone_in_its_pool_a_candidate_has_the_whole_posterior():
    rows = rows_of([0.1, -0.3])
    assert absent_claims(rows, "posterior", np.array([1]), 10.0, TAU)[0] == 1


@pytest.mark.parametrize("score", SCORES)
def test_the_mean_that_searches_ask_for_is_that_of_the_claims(score):
    random = np.random.default_rng(4)
    top = -np.sort(-random.uniform(-1, 1, (30, 12)), axis=1)
    rows = ScoreRows(
        np.arange(30), np.full(30, 12), top, np.log(np.exp(top / TAU).mean(axis=1)), np.zeros(30)
    )
    drawn = random.integers(2, 10, 30)
    mean = mean_absent_claims(rows, score, drawn, TAU)
    for threshold in (*random.uniform(0.01, 1, 5), float(top[3, 0])):
        expected = absent_claims(rows, score, drawn, threshold, TAU).mean()
        assert mean(threshold) == pytest.approx(expected, abs=1e-14)
