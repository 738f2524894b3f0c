"""The slow truth: every cosine in float64, every pool law by counting, every pair by a double loop."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations
from math import comb

import numpy as np

TIE = 2.0**-40


def cosines(queries, candidates):
    """All cosines, shape (queries, candidates); rows are scaled first so that squares stay in range."""
    units = []
    for array in (queries, candidates):
        array = np.asarray(array, np.float64)
        array = array / np.abs(array).max(axis=1, keepdims=True)
        units.append(array / np.linalg.norm(array, axis=1, keepdims=True))
    return units[0] @ units[1].T


@dataclass
class Counted:
    """Per query: candidates in play with the mate, distractors above it, distractors tied with it."""

    eligible: np.ndarray
    above: np.ndarray
    ties: np.ndarray


def count(scores, mate, eligible=None):
    """Count over a whole matrix of scores; `eligible` is a mask of the same shape, the mate always in it."""
    itself = np.arange(len(scores))
    eligible = np.ones(scores.shape, bool) if eligible is None else eligible.copy()
    eligible[itself, mate] = True
    distractor = eligible.copy()
    distractor[itself, mate] = False
    gap = scores - scores[itself, mate][:, None]
    return Counted(
        eligible.sum(1), (distractor & (gap > TIE)).sum(1), (distractor & (np.abs(gap) <= TIE)).sum(1)
    )


@cache
def rank_law(eligible, above, ties, pool):
    """P(rank = 1), …, P(rank = pool) over all pools, ties broken at random: counted in whole numbers."""
    others = eligible - 1
    law = [Fraction(0)] * pool
    for lifted in range(ties + 1):  # this many of the tied stand above the mate, each number equally likely
        better = above + lifted
        for ahead in range(pool):
            ways = comb(better, ahead) * comb(others - better, pool - 1 - ahead)
            law[ahead] += Fraction(ways, comb(others, pool - 1) * (ties + 1))
    return np.array([float(share) for share in law])


def rank_law_of_all_pools(eligible, above, ties, pool):
    """The same law with every pool written out."""
    distractors = ["above"] * above + ["tied"] * ties + ["below"] * (eligible - 1 - above - ties)
    law = np.zeros(pool)
    pools = list(combinations(distractors, pool - 1))
    for chosen in pools:
        ahead, tied = chosen.count("above"), chosen.count("tied")
        law[ahead : ahead + tied + 1] += 1 / (tied + 1)
    return law / len(pools)


def laws(counted, pool):
    """The rank law of every query that has enough candidates; `pool` is a size or "full"."""
    counts = zip(counted.eligible, counted.above, counted.ties, strict=True)
    rows = [(int(m), int(b), int(t), int(m) if pool == "full" else pool) for m, b, t in counts]
    return [rank_law(*row) for row in rows if row[3] <= row[0]]


def recall(counted, pool, k):
    return float(np.mean([law[:k].sum() for law in laws(counted, pool)]))


def mean_reciprocal_rank(counted, pool):
    return float(np.mean([(law / np.arange(1, len(law) + 1)).sum() for law in laws(counted, pool)]))


def expected_ranks(counted, pool):
    return np.array([(law * np.arange(1, len(law) + 1)).sum() for law in laws(counted, pool)])
