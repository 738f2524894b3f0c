"""The open set: the attacker does not know whether the mate is in the pool (ISO/IEC 19795-1, NIST FRTE 1:N).

He claims a link where a score of the pool reaches a threshold: the cosine of the best candidate, or its lead
over the second best (`claims`). Each half of the patients sets thresholds for the rates of false claims that
were asked for, and the other half is measured at them (`thresholds`, `cross_fitting`). Pools are not sampled.
Queries are, where there are many; the cosine's right claims need no more than the linkage table, and rest on
all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.claims import SCORES, absent_claims, right_claims, wrong_claims
from relinkage.linkage.cross_fitting import FPIR, TPIR, WRONG, CrossFitted, Half, Summed
from relinkage.linkage.measures import Cell, recalls, size, sizes
from relinkage.linkage.open_set_rows import DetCurve, DetPoint, OpenSetRow, Score, Worth
from relinkage.linkage.score_rows import ScoreRows, depth_for
from relinkage.linkage.settings import FULL, PoolSize, Resampling
from relinkage.linkage.table import ALL, Standing
from relinkage.linkage.thresholds import Halves, grid, queries_needed
from relinkage.linkage.ways import Way

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PRIORS = (0.5, 0.1, 0.01)
_MARGIN_WORK = 600_000
"""Scores that a threshold on the margin looks at, or more where the lowest rate takes more queries."""
_KINDS = 3


@dataclass(frozen=True)
class OpenSet:
    """What an audit says of the open set in one direction.

    Attributes:
        rows: a row per score, pool and rate of false claims.
        curves: a detection error trade-off curve per score and pool.
        notes: which rates were left out, and how many queries they take.
    """

    rows: tuple[OpenSetRow, ...] = ()
    curves: tuple[DetCurve, ...] = ()
    notes: tuple[str, ...] = ()


def open_set(
    way: Way, rows: ScoreRows, halves: Halves, chosen: Sequence[PoolSize], rates: Sequence[float],
    resampling: Resampling,
) -> OpenSet:  # fmt: skip
    """Measure the open set of one direction.

    Args:
        way: the direction.
        rows: the distractors' scores of the queries that `halves` draws, those of the first half first, deep
            enough for the smallest pool.
        halves: who sets thresholds for whom.
        chosen: pool sizes; "full" holds all distractors of a query.
        rates: the rates at which thresholds are set, between 0 and 1.
        resampling: how intervals are made.
    """
    standing = way.table.standings[ALL]
    found: list[OpenSetRow] = []
    curves: list[DetCurve] = []
    short: dict[float, int] = {}  # rates that were left out, and the queries that there were
    for pool in chosen:
        fitting = np.flatnonzero(sizes(standing, pool)[rows.query] <= standing.eligible[rows.query])
        if len(fitting) == 0:
            continue
        least_drawn = int(_without_mate(standing, pool)[rows.query[fitting]].min())
        for score in SCORES:
            if score == "margin" and least_drawn < 2:
                continue  # one candidate alone has no second best
            sample = rows.take(_thinned(way, rows, fitting, halves, score, least_drawn, rates))
            second = halves.in_second[sample.query]
            there = int(min(second.sum(), (~second).sum()))
            kept = [rate for rate in rates if queries_needed(rate) <= there]
            short |= {rate: max(there, short.get(rate, 0)) for rate in rates if rate not in kept}
            if kept:
                measured = _measure(way, sample, halves, pool, score, kept, resampling)
                found += measured[0]
                curves.append(measured[1])
    return OpenSet(tuple(found), tuple(curves), tuple(_left_out(short, found)))


def _left_out(short: dict[float, int], found: Sequence[OpenSetRow]) -> list[str]:
    """Say which rates were left out somewhere, and what they take."""
    notes = []
    for rate, there in short.items():
        where = " in some pools" if any(row.fpir == rate for row in found) else ""
        notes.append(
            f"The open set leaves out a rate of {100 * rate:g} % false claims{where}: it takes "
            f"{queries_needed(rate):,} queries in each half of the patients to set a threshold, and there "
            f"are {there:,}."
        )
    return notes


def _thinned(
    way: Way, rows: ScoreRows, fitting: Ints, halves: Halves, score: Score, drawn: int, rates: Sequence[float]
) -> Ints:
    """Return which of the rows a score is worked out for: of the margin no more than it takes."""
    if score == "cosine":
        return fitting
    depth = depth_for(drawn, len(way.candidates))
    most = max(_MARGIN_WORK // depth, *(queries_needed(rate) for rate in rates), 100)
    second = halves.in_second[rows.query[fitting]]
    return np.concatenate([_evenly(half, most) for half in (fitting[~second], fitting[second])])


def _evenly(places: Ints, most: int) -> Ints:
    if len(places) <= most:
        return places
    return places[np.linspace(0, len(places) - 1, most).astype(np.int64)]


def _measure(
    way: Way, rows: ScoreRows, halves: Halves, pool: PoolSize, score: Score, rates: Sequence[float],
    resampling: Resampling,
) -> tuple[list[OpenSetRow], DetCurve]:  # fmt: skip
    """Work out the rows and the curve of one score in pools of one size."""
    standing = way.table.standings[ALL]
    drawn = _without_mate(standing, pool)[rows.query]
    thresholds = grid(score, rows, drawn, rates, resampling.seed)
    patients, patient = np.unique(way.table.patient, return_inverse=True)
    right, false = _claims(way, rows, pool, score, thresholds)
    halves_of = [_half(right, false, patient.ravel(), side) for side in (~halves.in_second, halves.in_second)]
    both = halves_of[0], halves_of[1]
    fitted = CrossFitted.of(both, thresholds, rates, len(patients), resampling)
    place: dict[str, Any] = {
        "direction": way.table.direction,
        "negatives": ALL,
        "score": score,
        "pool": size(standing, pool),
        "full": pool == FULL,
        "queries": int(fitted.queries[TPIR]),
        "patients": int(fitted.patients[TPIR]),
    }
    level = resampling.interval
    shown = [fitted.interval(kind, level) for kind in range(_KINDS)]
    found = [
        OpenSetRow(
            **place,
            fpir=rate,
            thresholds=(
                float(fitted.point.thresholds[0, 0, number]), float(fitted.point.thresholds[1, 0, number])
            ),
            tpir=float(shown[TPIR].mean[number]),
            low=float(shown[TPIR].low[number]),
            high=float(shown[TPIR].high[number]),
            fpir_measured=float(shown[FPIR].mean[number]),
            fpir_low=float(shown[FPIR].low[number]),
            fpir_high=float(shown[FPIR].high[number]),
            misidentified=float(shown[WRONG].mean[number]),
            ppv=tuple(_worth(fitted, number, prior, level) for prior in PRIORS),
        )
        for number, rate in enumerate(rates)
    ]  # fmt: skip
    sums, queries = (
        first + second
        for first, second in zip(*(half.totals(np.ones((1, len(patients)))) for half in both), strict=True)
    )
    means = sums[:, 0] / queries
    points = tuple(
        DetPoint(threshold=float(at), fpir=float(fpir), tpir=float(tpir))
        for at, fpir, tpir in zip(thresholds, means[FPIR], means[TPIR], strict=True)
    )
    return found, DetCurve(**place, points=points)


def _worth(fitted: CrossFitted, number: int, prior: float, level: float) -> Worth:
    found = fitted.worth(number, prior, level)
    if found is None:
        return Worth(prior=prior, ppv=None, low=None, high=None)
    return Worth(prior=prior, ppv=found[0], low=found[1], high=found[2])


def _claims(
    way: Way, rows: ScoreRows, pool: PoolSize, score: Score, thresholds: Floats
) -> tuple[tuple[Ints, Floats], tuple[Ints, Floats]]:
    """Return the probabilities of right claims and of false ones at every threshold, with the queries.

    Returns:
        Queries and float64, shape (queries, thresholds), of right claims; the same of claims where the mate
        is absent followed by wrong claims where it is present, shape (queries, 2 * thresholds).
    """
    standing, mates = way.table.standings[ALL], way.table.mate_score
    every = recalls(standing, [Cell(pool, 1)])[:, 0]
    absent, present = _without_mate(standing, pool)[rows.query], sizes(standing, pool)[rows.query] - 1
    mate, first = mates[rows.query], every[rows.query]
    asked = rows.query
    if score == "cosine":
        asked = np.flatnonzero(~np.isnan(every))
        right = every[asked, None] * (mates[asked, None] >= thresholds)
    else:
        right = right_claims(rows, score, mate, first, present, thresholds)
    absence = absent_claims(rows, score, absent, thresholds)
    wrong = wrong_claims(rows, score, mate, first, present, thresholds)
    return (asked, right), (rows.query, np.concatenate([absence, wrong], axis=1))


def _half(
    right: tuple[Ints, Floats], false: tuple[Ints, Floats], patient: Ints, side: NDArray[np.bool_]
) -> Half:
    """Add up by patient what the queries of one half do."""
    summed = [
        Summed.of(np.ascontiguousarray(values[side[query]]), patient[query[side[query]]])
        for query, values in (right, false)
    ]
    return Half(summed[0], summed[1])


def _without_mate(standing: Standing, pool: PoolSize) -> Ints:
    """Return how many distractors a pool without the mate holds: N, or all there are."""
    return np.minimum(sizes(standing, pool), standing.eligible - 1)
