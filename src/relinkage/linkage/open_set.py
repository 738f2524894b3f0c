"""The open set: the attacker does not know whether the mate is in the pool (ISO/IEC 19795-1, NIST FRTE 1:N).

He claims a link where the best score of a pool reaches a threshold T. Over a gallery of M − 1 distractors, of
which c score at least T for query i, and pools of N drawn without replacement (THEORY 4):

    mate absent:   FPIR_i(T) = 1 − C(M − 1 − c, N) / C(M − 1, N),
    mate present:  TPIR_i(T) = 1[mate's score ≥ T] · P(rank 1), ties broken at random,
                   wrong_i(T) = 1 − P(no claim) − TPIR_i(T), with
                   P(no claim) = 1[mate's score < T] · C(M − 1 − c, N − 1) / C(M − 1, N − 1).

T is the lowest score at which half of the patients keep to the rate that was asked for; everything is
measured on the other half. Pools are not sampled; queries are, `SAMPLE` to each half where there are more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from relinkage.linkage import pools
from relinkage.linkage.kernels import TIE
from relinkage.linkage.measures import Pool, Resampling, size, sizes
from relinkage.linkage.table import ALL, Standing
from relinkage.linkage.uncertainty import ClusterBootstrap
from relinkage.linkage.vectors import Vectors
from relinkage.linkage.ways import Way

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SAMPLE = 2048
PRIORS = (0.5, 0.1, 0.01)
_BLOCK = 128
_LISTED = 20_000_000
"""Scores listed at most: 320 MB. Small pools need a long tail, and get fewer queries to set thresholds on."""


@dataclass(frozen=True)
class Tails:
    """The distractors' scores of some queries, as far down as a threshold may have to go.

    Attributes:
        query: int64, shape (n,): the queries, as rows of the linkage table.
        distractors: int64, shape (n,): eligible distractors of each.
        scores: float64, shape (s,): all scores from `floor` on, descending.
        owner: int64, shape (s,): which of the n queries each score belongs to.
        floor: no score below it is listed.
    """

    query: Ints
    distractors: Ints
    scores: Floats
    owner: Ints
    floor: float


def open_set_rows(
    way: Way, chosen: Sequence[Pool], rates: Sequence[float], resampling: Resampling
) -> list[dict[str, Any]]:
    """Give a row per pool and false-positive identification rate.

    Args:
        way: the direction.
        chosen: pool sizes; "full" holds all distractors of a query.
        rates: the rates at which thresholds are set, between 0 and 1.
        resampling: intervals; its seed also draws the halves and the samples.
    """
    standing = way.table.standings[ALL]
    setting, measuring = _halves(way, resampling.seed)
    if len(setting) == 0 or len(measuring) == 0:
        return []
    least = min(size(standing, pool) for pool in chosen)
    tails = _tails(way, setting, least, max(rates))
    cells = [(pool, rate) for pool in chosen for rate in rates]
    thresholds = np.array([_threshold(tails, _drawn(standing, pool), rate) for pool, rate in cells])
    reaching = _count_reaching(way, measuring, thresholds)
    rows = []
    for number, (pool, rate) in enumerate(cells):
        fits = sizes(standing, pool)[measuring] <= standing.eligible[measuring]
        if fits.any() and np.isfinite(thresholds[number]):
            place = (pool, rate, float(thresholds[number]))
            rows.append(_row(way, place, measuring[fits], reaching[number, fits], resampling))
    return rows


def _row(
    way: Way, place: tuple[Pool, float, float], query: Ints, reaching: Ints, resampling: Resampling
) -> dict[str, Any]:
    pool, rate, threshold = place
    standing = way.table.standings[ALL]
    claimed = way.table.mate_score[query] >= threshold
    with_mate, without = sizes(standing, pool)[query], _drawn(standing, pool)[query]
    counts = (standing.eligible[query], standing.above[query], standing.ties[query])
    found = claimed * pools.recall_at(*counts, with_mate, [1])[:, 0]
    others = standing.eligible[query] - 1
    silent = np.exp(_log_ratio(others - reaching, others, with_mate - 1)) * ~claimed
    absent = 1 - np.exp(_log_ratio(others - reaching, others, without))
    values = np.clip(np.stack([found, absent, 1 - silent - found], axis=1), 0, 1)
    drawn = ClusterBootstrap.draw(values, way.table.patient[query], resampling.replicates, resampling.seed)
    shown = drawn.interval(resampling.level)
    tpir, fpir, wrong = (float(value) for value in shown.mean)
    return {
        "direction": way.table.direction,
        "negatives": ALL,
        "score": "cosine",
        "pool": size(standing, pool),
        "fpir": rate,
        "threshold": threshold,
        "tpir": tpir,
        "low": float(shown.low[0]),
        "high": float(shown.high[0]),
        "fpir_measured": fpir,
        "misidentified": wrong,
        "ppv": [{"prior": prior, "ppv": _ppv(prior, tpir, wrong, fpir)} for prior in PRIORS],
        "queries": len(query),
        "patients": int(drawn.patients[0]),
    }


def _drawn(standing: Standing, pool: Pool) -> Ints:
    """Give how many distractors a pool without the mate holds: N, or all there are."""
    return np.minimum(sizes(standing, pool), standing.eligible - 1)


def _ppv(prior: float, tpir: float, wrong: float, fpir: float) -> float | None:
    """Give the share of claims that are right where the mate is in the pool with a probability (THEORY 4)."""
    claims = prior * (tpir + wrong) + (1 - prior) * fpir
    return prior * tpir / claims if claims > 0 else None


def _halves(way: Way, seed: int) -> tuple[Ints, Ints]:
    """Deal patients into two halves and draw a sample of queries from each."""
    random = np.random.default_rng([seed, 5])
    patients, which = np.unique(way.table.patient, return_inverse=True)
    second = np.zeros(len(patients), bool)
    second[random.permutation(len(patients))[: len(patients) // 2]] = True
    halves = (np.flatnonzero(side[which]) for side in (~second, second))
    first_half, second_half = (np.sort(random.permutation(half)[:SAMPLE]) for half in halves)
    return first_half, second_half


def _tails(way: Way, query: Ints, least: int, rate: float) -> Tails:
    """List distractors' scores so far down that even in the smallest pool the mean rate exceeds `rate`."""
    standing = way.table.standings[ALL]
    share = min(4 * -np.log1p(-min(rate, 0.999)) / least, 1.0)
    while True:
        query = query[: max(int(_LISTED / (share * len(way.candidates))), 1)]
        tails = _list_from(way, query, share)
        drawn = np.minimum(least, standing.eligible - 1)
        if share >= 1 or _mean_rate(tails, drawn[query])[-1:] > rate:
            return tails
        share = min(4 * share, 1.0)


def _list_from(way: Way, query: Ints, share: float) -> Tails:
    floor = -np.inf
    found: list[tuple[Floats, Ints]] = []
    for start, scores in _scores(way, query):
        if start == 0 and share < 1:
            finite = scores[np.isfinite(scores)]
            floor = float(np.quantile(finite, 1 - share))
        rows, columns = np.nonzero(scores >= max(floor, -2.0))
        found.append((scores[rows, columns], rows + start))
    scores, owner = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.argsort(-scores, kind="stable")
    distractors = way.table.standings[ALL].eligible[query] - 1
    return Tails(query, distractors, scores[order], owner[order], floor)


def _scores(way: Way, query: Ints) -> Any:
    """Give float64 cosines of blocks of queries with all candidates; what is no distractor is -infinity."""
    unit = _unit(way.candidates)
    where = np.full(len(way.queries), -1, np.int64)
    where[query] = np.arange(len(query))
    barred = np.empty((2, 0), np.int64)
    if way.left_out is not None:
        keep = where[way.left_out[0]] >= 0
        barred = np.stack([where[way.left_out[0][keep]], way.left_out[1][keep]])
    barred = np.concatenate([barred, np.stack([np.arange(len(query)), way.mate[query]])], axis=1)
    for start in range(0, len(query), _BLOCK):
        rows = query[start : start + _BLOCK]
        block = way.queries.given[rows].astype(np.float64) * way.queries.inverse_norm[rows, None]
        scores = block @ unit.T
        inside = (barred[0] >= start) & (barred[0] < start + len(rows))
        scores[barred[0][inside] - start, barred[1][inside]] = -np.inf
        yield start, scores


def _unit(vectors: Vectors) -> Floats:
    return vectors.given.astype(np.float64) * vectors.inverse_norm[:, None]


def _mean_rate(tails: Tails, taken: Ints) -> Floats:
    """Give the mean FPIR at each listed score as a threshold; equal scores count together, at the last."""
    position = _place_within_owner(tails.owner)
    others, drawn = tails.distractors[tails.owner], taken[tails.owner]
    after = np.exp(_log_ratio(others - position - 1, others, drawn))
    before = np.exp(_log_ratio(others - position, others, drawn))
    return np.cumsum(before - after) / len(tails.query)


def _threshold(tails: Tails, drawn: Ints, rate: float) -> float:
    """Give the lowest threshold whose mean FPIR is at most `rate`; just above all scores where none is."""
    mean = _mean_rate(tails, drawn[tails.query])
    last = np.append(tails.scores[1:] != tails.scores[:-1], True)
    good = np.flatnonzero(last & (mean <= rate + 1e-12))
    # Half a tie below the score, so that the last bit of a product decides nothing.
    return float(tails.scores[good[-1]] - TIE / 2 if len(good) else tails.scores[0] + TIE)


def _place_within_owner(owner: Ints) -> Ints:
    """Count, for each entry, the earlier entries of the same owner."""
    order = np.argsort(owner, kind="stable")
    first = np.flatnonzero(np.diff(owner[order], prepend=-1))
    counts = np.diff(np.append(first, len(owner)))
    place = np.empty(len(owner), np.int64)
    place[order] = np.arange(len(owner)) - np.repeat(first, counts)
    return place


def _count_reaching(way: Way, query: Ints, thresholds: Floats) -> Ints:
    """Count each query's distractors at or above each threshold: int64, shape (thresholds, queries)."""
    counted = [
        [np.count_nonzero(scores >= threshold, axis=1) for threshold in thresholds]
        for _, scores in _scores(way, query)
    ]
    return np.concatenate(counted, axis=1)


def _log_ratio(a: Ints, b: Ints, n: Ints) -> Floats:
    """Logarithm of C(a, n) / C(b, n); -infinity where n exceeds a."""
    inside = n <= a
    a = np.where(inside, a, b)
    value = gammaln(a + 1.0) - gammaln(a - n + 1.0) - gammaln(b + 1.0) + gammaln(b - n + 1.0)
    return np.where(inside, value, -np.inf)
