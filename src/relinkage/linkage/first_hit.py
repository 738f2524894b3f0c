"""Recall where more than one candidate is right: a hit if the best of them ranks within K (THEORY 2).

Two laws. Other candidates of the mate's text are drawn into the pool like any distractor (`recall_of_text`).
Other candidates of the mate's patient are all in the pool (`recall_of_patient`). As in `pools`, no pool is
sampled: these are means over all pools and over all orders of the tied. Derivations are ours; the tests check
them against all pools and all orders written out.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from relinkage.compiled import compiled
from relinkage.linkage.pools import recall_at

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def recall_of_text(
    eligible: Ints, above: Ints, ties: Ints, same_text: Ints, pool: Ints, ks: Sequence[int]
) -> Floats:
    """Give the expected share of pools in which a candidate with the mate's text ranks within K.

    A query has M eligible candidates, its mate included; b distractors score above the mate, t tie with it.
    Of the tied, D have the mate's text and t' = t − D have another. The pool is the mate and N − 1 of the
    M − 1 distractors. Let a of those above and g of the tied be drawn. The first K are all wrong if a ≥ K,
    or if a < K and the first c = K − a of the g + 1 tied (the mate among them) are all of another text:

    - a follows the hypergeometric law of population M − 1, successes b, draws N − 1;
    - given a, g follows that of population M − 1 − b, successes t, draws N − 1 − a;
    - the mate is not among the first c with probability (g + 1 − c) / (g + 1), where g ≥ c;
    - those c are then c of the t tied, each set equally likely, so all are of another text with
      probability C(t', c) / C(t, c), whatever g.

    The mean of the third over g is P(g ≥ c) − c E[1/(g + 1); g ≥ c], and since
    C(t, g) / (g + 1) = C(t + 1, g + 1) / (t + 1), with h of population M − b, successes t + 1, draws N − a,

        E[1/(g + 1); g ≥ c] = (M − b) / ((N − a)(t + 1)) · P(h ≥ c + 1).

    Where t' = 0 only a ≥ K is left, and recall is that of a mate without ties.

    Args:
        eligible: int64, shape (q,): M, the mate included.
        above: int64, shape (q,): b.
        ties: int64, shape (q,): t.
        same_text: int64, shape (q,): D, at most t.
        pool: int64, shape (q,): N, the mate included.
        ks: the ranks K, ascending.

    Returns:
        Float64, shape (q, len(ks)); NaN for queries with fewer than N eligible candidates.
    """
    none = np.zeros_like(above)
    recall = recall_at(eligible, above, none, pool, ks)
    rows = np.flatnonzero((ties > same_text) & (pool <= eligible))
    if not len(rows) or not len(ks):
        return recall
    M, b, t, N = eligible[rows], above[rows], ties[rows], pool[rows]
    others = t - same_text[rows]
    all_others = np.ones(len(rows))
    for c in range(1, min(max(ks), int(others.max())) + 1):
        all_others *= np.maximum(others - c + 1, 0) / np.maximum(t - c + 1, 1)
        for place, K in enumerate(ks):
            a = K - c
            # At least c are drawn from the tied, and from all that is not above no more than there is.
            at = np.flatnonzero((a >= 0) & (a <= b) & (all_others > 0) & (N > K) & (N - a <= M - b))
            if not len(at):
                continue
            drawn_above = _exactly((M - 1)[at], b[at], (N - 1)[at], a)
            fewer = recall_at((M - b)[at], t[at], none[at], (N - a)[at], [c])[:, 0]
            more = 1 - recall_at((M - b + 1)[at], t[at] + 1, none[at], (N - a + 1)[at], [c + 1])[:, 0]
            mate_behind = 1 - fewer - c * ((M - b) / ((N - a) * (t + 1)))[at] * more
            recall[rows[at], place] -= drawn_above * all_others[at] * mate_behind
    return np.clip(recall, 0, 1)


def chance_of_text(eligible: Ints, same_text: Ints, pool: Ints, ks: Sequence[int]) -> Floats:
    """Give what a scorer without knowledge reaches: 1 − (1 − K/N) C(M − 1 − D, K) / C(M − 1, K).

    The mate is one of the N in the pool, so it is behind the first K with probability 1 − K/N. Those K are
    then K of the M − 1 distractors, each set equally likely, and none has the mate's text with the ratio.

    Args:
        eligible: int64, shape (q,): M, the mate included.
        same_text: int64, shape (q,): D, eligible distractors with the mate's text.
        pool: int64, shape (q,): N, at most M.
        ks: the ranks K.

    Returns:
        Float64, shape (q, len(ks)); 1 where K ≥ N.
    """
    return np.stack(
        [np.where(pool > K, 1 - (1 - K / pool) * _none_of(eligible - 1, same_text, K), 1.0) for K in ks],
        axis=1,
    )


def recall_of_patient(
    eligible: Ints, above: Ints, ties: Ints, own_ties: Ints, pool: Ints, ks: Sequence[int]
) -> Floats:
    """Give the expected share of pools in which any candidate of the mate's patient ranks within K.

    All of the patient's own candidates are in the pool, and with them n of the P candidates of others. Of
    those P, b score above the best own one and t tie with it; y own ones tie with it, itself included.
    Put the P in order, the tied at random. The first own one is behind the (x + 1)th tied of the others with
    probability C(t − x − 1 + y, y) / C(t + y, y). The first K are all wrong where the Kth that is drawn of
    the P stands ahead of the first own one. It stands at place s, from 0, with probability
    C(s, K − 1) C(P − s − 1, n − K) / C(P, n). With P(X ≤ K − 1) the hypergeometric law of population P,
    successes b, draws n,

        recall = P(X ≤ K − 1) − Σ_{x < t} C(b + x, K − 1) C(P − b − x − 1, n − K) / C(P, n)
                                          · C(t − x − 1 + y, y) / C(t + y, y).

    Args:
        eligible: int64, shape (q,): P + 1, the best own candidate included and no other own one.
        above: int64, shape (q,): b.
        ties: int64, shape (q,): t.
        own_ties: int64, shape (q,): y, at least 1.
        pool: int64, shape (q,): n + 1, at least 1.
        ks: the ranks K, ascending.

    Returns:
        Float64, shape (q, len(ks)); NaN for queries with fewer than n + 1 eligible candidates.
    """
    recall = recall_at(eligible, above, np.zeros_like(above), pool, ks)
    rows = np.flatnonzero((ties > 0) & (pool <= eligible))
    if not len(rows):
        return recall
    law = np.stack([eligible - 1, pool - 1, above, ties, own_ties])[:, rows]
    distinct, which = np.unique(law, axis=1, return_inverse=True)
    log_factorial = gammaln(np.arange(int((eligible + own_ties)[rows].max()) + 1) + 1.0)
    for place, K in enumerate(ks):
        recall[rows, place] -= _overtaken(log_factorial, distinct, K)[which.ravel()]
    return np.clip(recall, 0, 1)


def chance_of_patient(own: Ints, pool: Ints, ks: Sequence[int]) -> Floats:
    """Give what a scorer without knowledge reaches: 1 − C(N − r, K) / C(N, K).

    Args:
        own: int64, shape (q,): r, the candidates of the query's patient.
        pool: int64, shape (q,): N, the r own ones included.
        ks: the ranks K.

    Returns:
        Float64, shape (q, len(ks)); 1 where K > N − r.
    """
    return np.stack([np.where(pool - own >= K, 1 - _none_of(pool, own, K), 1.0) for K in ks], axis=1)


def _none_of(population: Ints, marked: Ints, draws: int) -> Floats:
    """Give C(population − marked, draws) / C(population, draws); NaN where there are fewer than draws."""
    none = np.zeros_like(population)
    return recall_at(population + 1, np.minimum(marked, population), none, none + draws + 1, [1])[:, 0]


def _exactly(population: Ints, successes: Ints, draws: Ints, number: int) -> Floats:
    """Give the hypergeometric probability of a number of successes that is possible."""
    log_factorial = gammaln(np.arange(int(population.max()) + 1) + 1.0)
    failures, missed = population - successes, draws - number
    return np.exp(
        log_factorial[successes] - log_factorial[number] - log_factorial[successes - number]
        + log_factorial[failures] - log_factorial[missed] - log_factorial[failures - missed]
        - log_factorial[population] + log_factorial[draws] + log_factorial[population - draws]
    )  # fmt: skip


@compiled
def _overtaken(log_factorial: Floats, law: Ints, K: int) -> Floats:
    """Give the sum over x < t of `recall_of_patient` for every column (P, n, b, t, y)."""
    out = np.zeros(law.shape[1])
    for column in range(law.shape[1]):
        P, n, b, t, y = law[:, column]
        term, known = 0.0, False
        for x in range(max(0, K - 1 - b), min(t, P - n + K - b)):
            s, left = b + x, t - x - 1
            if n < K:
                break
            if known:  # each term follows from the one before
                term *= s / (s - K + 1.0) * (P - s - n + K) / (P - s) * (left + 1) / (left + 1 + y)
            else:
                log_term = (
                    log_factorial[s] - log_factorial[K - 1] - log_factorial[s - K + 1]
                    + log_factorial[P - s - 1] - log_factorial[n - K] - log_factorial[P - s - 1 - n + K]
                    - log_factorial[P] + log_factorial[n] + log_factorial[P - n]
                    + log_factorial[left + y] - log_factorial[left] - log_factorial[t + y] + log_factorial[t]
                )  # fmt: skip
                term = np.exp(log_term)
                known = log_term > -600  # below, terms would vanish and so would all that follow
            out[column] += term
    return out
