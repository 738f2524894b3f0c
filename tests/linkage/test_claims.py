"""Probabilities of claims equal counting every pool."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.linkage.claims import SCORES, absent_claims, drawn_leads, right_claims, wrong_claims
from relinkage.linkage.score_rows import ScoreRows


def rows_of(scores):
    """Rows as `score_rows` gives them, for one query: all scores, descending."""
    scores = np.asarray(scores, np.float64)
    top = np.sort(scores)[None, ::-1]
    return ScoreRows(np.zeros(1, np.int64), np.array([len(scores)]), top, np.zeros(1))


def value(score, pool):
    """What an attacker compares with his threshold: the pool's best score, or its margin."""
    best = np.sort(pool)[::-1]
    return best[0] if score == "cosine" else best[0] - best[1]


def counted(score, scores, mate, drawn, threshold, absent_drawn):
    """Count pools: claims without the mate, right and wrong claims with it; the mate is not a distractor."""
    absent = np.mean([value(score, pool) >= threshold for pool in combinations(scores, absent_drawn)])
    right, wrong = [], []
    for pool in combinations(scores, drawn):
        claimed = value(score, [*pool, mate]) >= threshold
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
            present = (
                rows,
                score,
                np.array([mate]),
                np.array([first]),
                np.array([drawn]),
                np.array([threshold]),
            )
            made = (
                absent_claims(rows, score, np.array([absent_drawn]), np.array([threshold]))[0, 0],
                right_claims(*present)[0, 0],
                wrong_claims(*present)[0, 0],
            )
            assert made == pytest.approx(expected, abs=1e-9)


@given(st.integers(0, 2**31), st.sampled_from(SCORES))
def test_a_higher_threshold_brings_fewer_claims(seed, score):
    rng = np.random.default_rng(seed)
    rows, drawn = rows_of(rng.uniform(-1, 1, 60)), np.array([10])
    low, high = np.sort(rng.uniform(0.001, 1, 2))
    first = np.array([0.4])
    for claimed in (
        lambda at: absent_claims(rows, score, drawn, np.array([at])),
        lambda at: right_claims(rows, score, np.array([0.5]), first, drawn, np.array([at])),
    ):
        assert claimed(high)[0, 0] <= claimed(low)[0, 0] + 1e-12


@given(st.integers(0, 2**31), st.sampled_from(SCORES))
def test_mate_and_impostor_are_judged_alike(seed, score):
    """A mate that is one more draw from the distractors' scores brings as many claims as an impostor."""
    rng = np.random.default_rng(seed)
    scores, threshold = rng.uniform(-1, 1, 9), rng.uniform(0.05, 0.9)
    absent = absent_claims(rows_of(scores), score, np.array([4]), np.array([threshold]))[0, 0]
    claims = []
    for mate in scores:  # the candidates of a pool of four, one of them the mate
        rest = scores[scores != mate]
        first = counted("cosine", rest, mate, 3, -2, 4)[1]
        present = (
            rows_of(rest),
            score,
            np.array([mate]),
            np.array([first]),
            np.array([3]),
            np.array([threshold]),
        )
        claims.append(right_claims(*present)[0, 0] + wrong_claims(*present)[0, 0])
    assert np.mean(claims) == pytest.approx(absent, abs=1e-9)


def test_a_margin_is_never_claimed_where_the_best_is_tied():
    rows = rows_of([0.5, 0.5, -0.9])
    assert absent_claims(rows, "margin", np.array([3]), np.array([1e-6]))[0, 0] == 0
    assert absent_claims(rows, "margin", np.array([2]), np.array([1e-6]))[0, 0] == pytest.approx(2 / 3)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("drawn", [2, 40, 300])
def test_drawn_pools_lie_where_claims_do(drawn, score):
    random = np.random.default_rng(4)
    rows, pool = rows_of(random.normal(size=300) / 3), np.array([drawn])
    leads = drawn_leads(rows, score, pool, 4000, 1)
    for share in (0.1, 0.5, 0.9):
        at = float(np.quantile(leads, share, method="nearest"))
        assert absent_claims(rows, score, pool, np.array([at - 1e-9]))[0, 0] >= 1 - share - 0.05
        assert absent_claims(rows, score, pool, np.array([at + 1e-9]))[0, 0] <= 1 - share + 0.05
