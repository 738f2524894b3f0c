"""What an attacker who may stay silent claims: the probability of it over all pools, for two scores.

A query has P eligible distractors; a pool draws D of them without replacement, with the mate or without it.
The attacker claims the best candidate of the pool where its score reaches a threshold T.

**Cosine** (THEORY 4). With c distractors at T or above,

    P(claim, mate absent) = 1 − C(P − c, D) / C(P, D),
    P(claim, mate present) = 1 − 1[mate's score < T] · C(P − c, D) / C(P, D),
    P(right claim) = 1[mate's score ≥ T] · P(rank 1), ties broken at random.

**Margin**: the best score of the pool less the second best, T > 0. Let k(s) be how many distractors score
above s. The j-th distractor stands alone at the top with margin T where all others drawn are among the
P − k(s_j − T) that do not score above s_j − T:

    P(claim, mate absent) = Σ_j C(P − k(s_j − T), D − 1) / C(P, D),
    P(wrong claim, mate present) = Σ_j 1[s_j − T ≥ mate's score] · C(P − k(s_j − T), D − 1) / C(P, D),
    P(right claim) = C(P − k(mate's score − T), D) / C(P, D).
"""

from typing import get_args

import numpy as np
from numpy.typing import NDArray

from relinkage.compiled import compiled
from relinkage.linkage.open_set_rows import Score
from relinkage.linkage.pools import log_factorials
from relinkage.linkage.score_rows import ScoreRows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SCORES: tuple[Score, ...] = get_args(Score)


def absent_claims(rows: ScoreRows, score: Score, drawn: Ints, thresholds: Floats) -> Floats:
    """Return each query's probability of a claim where the mate is absent: float64, shape (n, t).

    Args:
        rows: the distractors' scores.
        score: what is compared with the thresholds.
        drawn: int64, shape (n,): D.
        thresholds: float64, shape (t,): T.
    """
    if score == "margin":
        out = np.empty((len(drawn), len(thresholds)))
        _alone_at_the_top(rows.top, rows.distractors, drawn, np.full(len(drawn), -np.inf), thresholds, out)
        return np.clip(out, 0, 1)
    return 1 - _share_below(rows, np.broadcast_to(thresholds, (len(drawn), len(thresholds))), drawn)


def right_claims(
    rows: ScoreRows, score: Score, mate: Floats, first: Floats, drawn: Ints, thresholds: Floats
) -> Floats:
    """Return each query's probability that its mate is claimed, where it is there: float64, shape (n, t).

    Args:
        rows: the distractors' scores; the cosine needs none.
        score: what is compared with the thresholds.
        mate: float64, shape (n,): the mate's cosine.
        first: float64, shape (n,): the probability that the mate ranks first, ties broken at random.
        drawn: int64, shape (n,): D, distractors beside the mate.
        thresholds: float64, shape (t,): T.
    """
    if score == "margin":
        return _share_below(rows, np.nextafter(mate[:, None] - thresholds, np.inf), drawn)
    return first[:, None] * (mate[:, None] >= thresholds)


def wrong_claims(
    rows: ScoreRows, score: Score, mate: Floats, first: Floats, drawn: Ints, thresholds: Floats
) -> Floats:
    """Return each query's probability that another than its mate is claimed, arguments as above."""
    if score == "margin":
        out = np.empty((len(mate), len(thresholds)))
        _alone_at_the_top(rows.top, rows.distractors, drawn, mate, thresholds, out)
        return np.clip(out, 0, 1)
    claimed = mate[:, None] >= thresholds
    silent = ~claimed * _share_below(rows, np.broadcast_to(thresholds, claimed.shape), drawn)
    return np.clip(1 - silent - claimed * first[:, None], 0, 1)


def drawn_leads(rows: ScoreRows, score: Score, drawn: Ints, pools: int, seed: int) -> Floats:
    """Draw some pools without the mate and return what their best candidates score.

    Args:
        rows: the distractors' scores.
        score: what a threshold is set on.
        drawn: int64, shape (n,): distractors in a pool, at least two for the margin.
        pools: pools drawn for each query.
        seed: of the draws.

    Returns:
        Float64, shape (n * pools,).
    """
    chance = np.random.default_rng([seed, 7]).random((2, pools, len(drawn)))
    others, rest = rows.distractors, drawn
    best = _best_of(others, rest, chance[0])
    query = np.arange(len(drawn))
    scores = rows.top[query, np.minimum(best, rows.top.shape[1] - 1)]
    if score == "margin":
        second = best + 1 + _best_of(others - best - 1, rest - 1, chance[1])
        scores = scores - rows.top[query, np.minimum(second, rows.top.shape[1] - 1)]
    return scores.ravel()


def _best_of(others: Ints, drawn: Ints, chance: Floats) -> Ints:
    """Return the place of the best of so many drawn from a row of others, up to a rank or so."""
    place = np.floor(others * -np.expm1(np.log1p(-chance) / drawn)).astype(np.int64)
    return np.where(drawn >= others, 0, np.minimum(place, others - drawn))


def _share_below(rows: ScoreRows, thresholds: Floats, drawn: Ints) -> Floats:
    """Give C(P − c, D) / C(P, D): the share of pools in which no distractor reaches a query's thresholds."""
    out = np.empty(thresholds.shape)
    log_factorial = log_factorials(int(rows.distractors.max(initial=0)) + 1)
    _fill_share_below(log_factorial, rows.top, rows.distractors, thresholds, drawn, out)
    return out


@compiled
def _fill_share_below(
    log_factorial: Floats, top: Floats, distractors: Ints, thresholds: Floats, drawn: Ints, out: Floats
) -> None:
    for i in range(len(top)):  # row by row, so that a row stays in cache
        for t in range(thresholds.shape[1]):
            out[i, t] = _below(log_factorial, top, i, thresholds[i, t], distractors[i], drawn[i])


@compiled
def _below(log_factorial: Floats, top: Floats, i: int, threshold: float, P: int, D: int) -> float:
    c = _reaching(top, i, threshold, top.shape[1])
    if P - c < D:
        return 0.0
    if c == 0:
        return 1.0
    return np.exp(log_factorial[P - c] - log_factorial[P - c - D] - log_factorial[P] + log_factorial[P - D])


@compiled
def _reaching(top: Floats, i: int, score: float, depth: int) -> int:
    """Give how many of the first scores of a row, which descends, reach a score."""
    low, high = 0, depth
    while low < high:
        middle = (low + high) // 2
        if top[i, middle] >= score:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _alone_at_the_top(
    top: Floats, distractors: Ints, drawn: Ints, mate: Floats, thresholds: Floats, out: Floats
) -> None:
    """Sum over distractors that exceed the mate and all others drawn by a margin (module docstring)."""
    share = np.empty(top.shape[1])
    known_p, known_d, depth = -1, -1, 0
    for i in range(len(top)):  # row by row, so that a row stays in cache
        P, D = distractors[i], drawn[i]
        if known_p != P or known_d != D:
            known_p, known_d, depth = P, D, _shares(P, D, share)
        for t in range(len(thresholds)):
            out[i, t] = 0
            above = 0
            for j in range(min(depth, P)):
                floor = top[i, j] - thresholds[t]
                if floor < mate[i]:
                    break
                above = _down_to(top, i, floor, above, depth)
                if above >= depth:
                    break
                out[i, t] += share[above]


@compiled
def _down_to(top: Floats, i: int, floor: float, above: int, depth: int) -> int:
    """Give how many of the first scores of a row lie above a floor, `above` or more: in steps that double."""
    if above >= depth or top[i, above] <= floor:
        return above
    step = 1
    while above + step < depth and top[i, above + step] > floor:
        above += step
        step *= 2
    low, high = above + 1, min(above + step, depth)
    while low < high:
        middle = (low + high) // 2
        if top[i, middle] > floor:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _shares(P: int, D: int, share: Floats) -> int:
    """Fill in C(P − k, D − 1) / C(P, D) for k = 0, 1, …, each from the one before; give how many count."""
    value = D / (P - D + 1.0)
    for k in range(len(share)):
        if value < 1e-18:
            return k
        share[k] = value
        left = P - k
        if left <= D - 1:
            return k + 1
        value *= (left - D + 1.0) / left
    return len(share)
