"""Recall, reciprocal rank and rank at every pool size, exactly, from each query's counts (THEORY 1).

A query has M eligible candidates, its mate included; b distractors score above the mate and t tie with it.
A pool is the mate and N − 1 distractors drawn without replacement; ties are broken at random. So u = 0 … t of
the tied distractors stand above the mate, each u equally likely, and with s = b + u

    P(rank ≤ K) = P(X ≤ K − 1),  X hypergeometric: population M − 1, successes s, draws N − 1,
    E(1 / rank) = [C(M, N) − C(M − 1 − s, N)] / ((s + 1) C(M − 1, N − 1)),
    E(rank) = 1 + (N − 1)(b + t / 2) / (M − 1).

No pool is sampled: these are means over all of them.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from relinkage.compiled import compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_FEW_TIES = 16
"""Up to this many ties the mean over u is summed; beyond, it is read off a table of prefix sums over s."""
_VANISHES = -600.0
"""A term of a hypergeometric law whose logarithm lies below says nothing, and nothing follows from it."""
_FEW_FACTORS = 256
"""Up to this many factors a ratio of binomials is multiplied out; beyond, log-gamma is accurate enough."""


def recall_at(eligible: Ints, above: Ints, ties: Ints, pool: Ints, ks: Sequence[int]) -> Floats:
    """Give each query's expected Recall@K over all pools of its size.

    Args:
        eligible: int64, shape (q,): M, the mate included.
        above: int64, shape (q,): b.
        ties: int64, shape (q,): t.
        pool: int64, shape (q,): N, the mate included.
        ks: the ranks K.

    Returns:
        Float64, shape (q, len(ks)); NaN for queries with fewer than N eligible candidates.
    """
    return _mean_over_ties(eligible, above, ties, pool, np.asarray(ks, np.int64))


def reciprocal_rank(eligible: Ints, above: Ints, ties: Ints, pool: Ints) -> Floats:
    """Give each query's expected reciprocal rank over all pools: float64, shape (q,); NaN as above."""
    return _mean_over_ties(eligible, above, ties, pool, np.empty(0, np.int64))[:, 0]


def rank(eligible: Ints, above: Ints, ties: Ints, pool: Ints) -> Floats:
    """Give each query's expected rank over all pools: float64, shape (q,); NaN as above."""
    others = np.maximum(eligible - 1, 1)
    value = 1 + (pool - 1) * (above + ties / 2) / others
    return np.where(pool <= eligible, value, np.nan)


def at_least_one(probability: Floats, patient: Ints) -> Floats:
    """Return for each patient how probable it is that at least one of its queries hits: 1 − Π(1 − p).

    Queries are taken as independent: each has a pool of its own, and breaks its own ties.

    Args:
        probability: float64, shape (q,): of a hit, for each query.
        patient: int64, shape (q,): a number per patient.

    Returns:
        float64, shape (patients,), in the order of the patients' numbers.
    """
    which = np.unique(patient, return_inverse=True)[1].ravel()
    with np.errstate(divide="ignore"):
        missed = np.bincount(which, np.log1p(-np.minimum(probability, 1.0)))
    return -np.expm1(missed)


def _mean_over_ties(eligible: Ints, above: Ints, ties: Ints, pool: Ints, ks: Ints) -> Floats:
    log_factorial = log_factorials(int(eligible.max(initial=0)) + 1)
    out = np.full((len(eligible), max(len(ks), 1)), np.nan)
    _sum_few(log_factorial, eligible, above, ties, pool, ks, out)
    many = np.flatnonzero((ties > _FEW_TIES) & (pool <= eligible))
    key = eligible[many] * (int(pool.max(initial=0)) + 1) + pool[many]
    order = np.argsort(key, kind="stable")
    for rows in np.split(many[order], np.flatnonzero(np.diff(key[order])) + 1):
        if len(rows):
            prefix = _prefix_sums(log_factorial, eligible[rows[0]], pool[rows[0]], ks)
            low, high = above[rows], above[rows] + ties[rows] + 1
            out[rows] = (prefix[high] - prefix[low]) / (high - low)[:, None]
    return out


@lru_cache(maxsize=4)
def log_factorials(largest: int) -> Floats:
    """Give ln n! for n = 0 … largest: float64, shape (largest + 1,)."""
    return gammaln(np.arange(largest + 1) + 1.0)


@compiled
def _sum_few(log_factorial, eligible, above, ties, pool, ks, out):
    value = np.empty(out.shape[1])
    for q in range(len(eligible)):
        if pool[q] > eligible[q] or ties[q] > _FEW_TIES:
            continue
        for k in range(len(value)):  # term by term: slices would take as long as the terms themselves
            out[q, k] = 0
        for u in range(ties[q] + 1):
            _at(log_factorial, eligible[q], above[q] + u, pool[q], ks, value)
            for k in range(len(value)):
                out[q, k] += value[k]
        for k in range(len(value)):
            out[q, k] /= ties[q] + 1


@compiled
def _prefix_sums(log_factorial, M, N, ks):
    """Give the sums over s < S of the value at s, for every S up to M: float64, shape (M + 1, values)."""
    sums = np.zeros((M + 1, max(len(ks), 1)))
    value = np.empty(sums.shape[1])
    for s in range(M):
        _at(log_factorial, M, s, N, ks, value)
        for k in range(len(value)):
            sums[s + 1, k] = sums[s, k] + value[k]
    return sums


@compiled
def _at(log_factorial, M, s, N, ks, value):
    """Without ties: P(rank ≤ K) for every K, or, where there is no K, the expected reciprocal rank."""
    if len(ks) == 0:
        missed = _log_share_missed(log_factorial, s, M, N)
        value[0] = -np.expm1(missed) * M / (N * (s + 1.0))
        return
    P, n, last = M - 1, N - 1, ks.max()
    if n * s > P * (100.0 + 4 * last):  # so many are expected ahead that e⁻⁴⁰ bounds what is left
        for k in range(len(ks)):
            value[k] = 1.0 if ks[k] > min(s, n) else 0.0
        return
    # At least n − (P − s) of the draws are successes; from there on each term follows from the one before.
    least = max(0, n - (P - s))
    log_term = _log_probability(log_factorial, P, s, n, least)
    if log_term < _VANISHES:
        least = _first_that_counts(log_factorial, P, s, n, least)
        log_term = _log_probability(log_factorial, P, s, n, least)
    term = np.exp(log_term)
    total = 0.0
    k = 0
    for i in range(least, last):
        while k < len(ks) and ks[k] <= i:
            value[k] = min(total, 1.0)
            k += 1
        total += term
        if i >= s or i >= n:
            break
        term *= (s - i) * (n - i) / ((i + 1.0) * (P - s - n + i + 1.0))
    while k < len(ks):
        value[k] = min(total, 1.0) if ks[k] > least else 0.0
        k += 1
    for k in range(len(ks)):
        if ks[k] > min(s, n):  # so no rounding keeps a certain hit from being one
            value[k] = 1.0


@compiled
def _log_probability(log_factorial, P, s, n, i):
    """Logarithm of P(X = i), X hypergeometric: population P, successes s, draws n."""
    return (
        log_factorial[s] - log_factorial[i] - log_factorial[s - i]
        + log_factorial[P - s] - log_factorial[n - i] - log_factorial[P - s - n + i]
        - log_factorial[P] + log_factorial[n] + log_factorial[P - n]
    )  # fmt: skip


@compiled
def _first_that_counts(log_factorial, P, s, n, low):
    """Give the least i above `low` whose P(X = i) is no less than e⁻⁶⁰⁰: below, a first term would vanish."""
    high = (n + 1) * (s + 1) // (P + 2)  # up to the mode P(X = i) rises
    while high - low > 1:
        middle = (low + high) // 2
        if _log_probability(log_factorial, P, s, n, middle) < _VANISHES:
            low = middle
        else:
            high = middle
    return high


@compiled
def _log_share_missed(log_factorial, s, M, N):
    """Logarithm of C(M − 1 − s, N) / C(M, N): a pool of N out of M misses s + 1 given candidates."""
    fewer, more = min(N, s + 1), max(N, s + 1)
    if fewer + more > M:
        return -np.inf
    # Log-gammas near M ln M are right to some 1e-16 of that; the share missed is at least fewer · more / M.
    if fewer > _FEW_FACTORS or (fewer > 16 and fewer * more > 1e-6 * M * M * np.log(M)):
        return (
            log_factorial[M - N] - log_factorial[M - N - s - 1] - log_factorial[M] + log_factorial[M - 1 - s]
        )
    # Differences of large logarithms would lose the small share that is left.
    total = 0.0
    for i in range(fewer):
        total += np.log1p(-more / (M - i))
    return total
