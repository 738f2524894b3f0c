"""The open set: the attacker does not know whether the mate is in the pool (ISO/IEC 19795-1, NIST FRTE 1:N).

He claims a link where a score of the pool reaches a threshold: the cosine of the best candidate, its margin
over the second best, or its softmax posterior (`claims`). Thresholds are the lowest at which half of the
patients keep to a rate of false claims (`thresholds`); everything is measured on the other half. Pools are
not sampled. Queries are, `SAMPLE` to each half where there are more, and fewer for the margin in small pools;
the cosine's true claims need no more than the linkage table, and rest on all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from relinkage.linkage.claims import (
    SCORES,
    absent_claims,
    most_queries,
    right_claims,
    wrong_claims,
)
from relinkage.linkage.measures import Cell, recalls, size, sizes
from relinkage.linkage.open_set_rows import DetCurve, DetPoint, OpenSetRow, Score, Worth
from relinkage.linkage.score_rows import ScoreRows
from relinkage.linkage.settings import FULL, PoolSize, Resampling
from relinkage.linkage.table import ALL, Standing
from relinkage.linkage.thresholds import Halves, Setting
from relinkage.linkage.uncertainty import ClusterBootstrap
from relinkage.linkage.ways import Way

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SAMPLE = 512
PRIORS = (0.5, 0.1, 0.01)
_CURVE_ENDS = 0.9, 0.001
"""Curves run from one rate of false claims to the other, or further where rates beyond were asked for."""


@dataclass(frozen=True)
class OpenSet:
    """What an audit says of the open set in one direction.

    Attributes:
        rows: a row per score, pool and rate of false claims.
        curves: a detection error trade-off curve per score and pool.
    """

    rows: tuple[OpenSetRow, ...] = ()
    curves: tuple[DetCurve, ...] = ()


def open_set(
    way: Way, rows: ScoreRows, halves: Halves, chosen: Sequence[PoolSize], rates: Sequence[float],
    temperature: float, resampling: Resampling,
) -> OpenSet:  # fmt: skip
    """Measure the open set of one direction.

    Args:
        way: the direction.
        rows: the distractors' scores of the queries that `halves` draws, those that set thresholds first,
            deep enough for the smallest pool.
        halves: who sets thresholds and who is measured.
        chosen: pool sizes; "full" holds all distractors of a query.
        rates: the rates at which thresholds are set, between 0 and 1.
        temperature: of the softmax posterior.
        resampling: how intervals are made.
    """
    standing = way.table.standings[ALL]
    setting, measuring = rows.take(slice(len(halves.setting))), rows.take(slice(len(halves.setting), None))
    cells: list[dict[str, Any]] = []  # what is known of each row before the intervals
    values: list[Floats] = []
    curves = []
    for pool in chosen:
        fits = np.flatnonzero(sizes(standing, pool)[setting.query] <= standing.eligible[setting.query])
        of_pool = _Measured.of(way, measuring, halves.all_measuring, pool, temperature)
        if len(fits) == 0 or len(of_pool.rows.query) == 0:
            continue
        drawn = _without_mate(standing, pool)[setting.query[fits]]
        for score in SCORES:
            if score != "cosine" and drawn.min() < 2:
                continue  # one candidate alone has no second best
            most = most_queries(score, int(drawn.max()), len(way.candidates))
            kept = _evenly(len(fits), most)
            sets = Setting(score, setting.take(fits[kept]), drawn[kept], temperature)
            measured = of_pool.thin(most)
            curve = sets.curve(max(_CURVE_ENDS[0], *rates), min(_CURVE_ENDS[1], *rates))
            place: dict[str, Any] = {
                "direction": way.table.direction,
                "negatives": ALL,
                "score": score,
                "pool": size(standing, pool),
                "full": pool == FULL,
            }
            curves.append(
                DetCurve(
                    **place,
                    points=measured.curve(score, curve),
                    queries=len(measured.place),
                    patients=len(np.unique(measured.patient)),
                )
            )
            for rate, threshold in zip(rates, sets.thresholds(curve, rates), strict=True):
                cells.append(place | {"fpir": rate, "threshold": _shown(score, threshold)})
                values += measured.values(score, threshold)
    if not cells:
        return OpenSet()
    patient = way.table.patient[halves.all_measuring]
    made = np.stack(values, axis=1)
    drawn_again = ClusterBootstrap.draw(made, patient, resampling.replicates, resampling.seed)
    shown = drawn_again.interval(resampling.interval)
    queries = (~np.isnan(made)).sum(axis=0)
    out = []
    for number, cell in enumerate(cells):
        right, absent, wrong = range(3 * number, 3 * number + 3)
        tpir, fpir, misidentified = (float(shown.mean[place]) for place in (right, absent, wrong))
        out.append(
            OpenSetRow(
                **cell,
                tpir=tpir,
                low=float(shown.low[right]),
                high=float(shown.high[right]),
                fpir_measured=fpir,
                fpir_low=float(shown.low[absent]),
                fpir_high=float(shown.high[absent]),
                misidentified=misidentified,
                ppv=tuple(Worth(prior=prior, ppv=_ppv(prior, tpir, misidentified, fpir)) for prior in PRIORS),
                queries=int(queries[right]),
                patients=int(drawn_again.patients[right]),
            )
        )
    return OpenSet(tuple(out), tuple(curves))


@dataclass(frozen=True)
class _Measured:
    """The half that is measured, in pools of one size.

    Attributes:
        rows: the distractors' scores of the queries that were drawn and have such a pool.
        place: int64: their places among all queries of the half.
        mate: float64: the mate's score of all queries of the half.
        first: float64: the probability that it ranks first, NaN where a query has no such pool.
        absent: int64: distractors that a drawn query meets where its mate is absent.
        present: int64: distractors that it meets beside its mate.
        temperature: of the posterior.
        patient: int64: of the drawn queries.
    """

    rows: ScoreRows
    place: Ints
    mate: Floats
    first: Floats
    absent: Ints
    present: Ints
    temperature: float
    patient: Ints

    @classmethod
    def of(cls, way: Way, rows: ScoreRows, half: Ints, pool: PoolSize, temperature: float) -> "_Measured":
        standing = way.table.standings[ALL]
        taken = Standing(standing.eligible[half], standing.above[half], standing.ties[half])
        first = recalls(taken, [Cell(pool, 1)])[:, 0]
        place = np.searchsorted(half, rows.query)
        fits = np.flatnonzero(~np.isnan(first[place]))
        query = rows.query[fits]
        absent, present = _without_mate(standing, pool)[query], sizes(standing, pool)[query] - 1
        mate, patient = way.table.mate_score[half], way.table.patient[query]
        return cls(rows.take(fits), place[fits], mate, first, absent, present, temperature, patient)

    def thin(self, most: int) -> "_Measured":
        """Keep at most so many of the drawn queries."""
        kept = _evenly(len(self.place), most)
        return replace(
            self, rows=self.rows.take(kept), place=self.place[kept], absent=self.absent[kept],
            present=self.present[kept], patient=self.patient[kept],
        )  # fmt: skip

    def right(self, score: Score, threshold: float) -> Floats:
        """Give the probability of a true claim, float64 over the half; NaN where it was not worked out."""
        if score == "cosine":
            return self.first * (self.mate >= threshold)
        out = np.full(len(self.mate), np.nan)
        mate, first = self.mate[self.place], self.first[self.place]
        out[self.place] = right_claims(
            self.rows, score, mate, first, self.present, threshold, self.temperature
        )
        return out

    def values(self, score: Score, threshold: float) -> list[Floats]:
        """Give the probabilities of a true claim, a false one and a wrong one, float64 over the half."""
        absent, wrong = (np.full(len(self.mate), np.nan) for _ in range(2))
        mate, first = self.mate[self.place], self.first[self.place]
        absent[self.place] = absent_claims(self.rows, score, self.absent, threshold, self.temperature)
        wrong[self.place] = wrong_claims(
            self.rows, score, mate, first, self.present, threshold, self.temperature
        )
        return [self.right(score, threshold), absent, wrong]

    def curve(self, score: Score, thresholds: Floats) -> tuple[DetPoint, ...]:
        """Give the rates of false and of true claims at each threshold."""
        return tuple(
            DetPoint(
                threshold=_shown(score, threshold),
                fpir=float(absent_claims(self.rows, score, self.absent, threshold, self.temperature).mean()),
                tpir=float(np.nanmean(self.right(score, threshold))),
            )
            for threshold in thresholds.tolist()
        )


def _evenly(queries: int, most: int) -> Ints:
    return np.unique(np.linspace(0, queries - 1, min(queries, most)).astype(np.int64))


def _shown(score: Score, threshold: float) -> float:
    """Give a threshold as a reader expects it: of the posterior, a probability."""
    return float(expit(threshold)) if score == "posterior" else threshold


def _without_mate(standing: Standing, pool: PoolSize) -> Ints:
    """Give how many distractors a pool without the mate holds: N, or all there are."""
    return np.minimum(sizes(standing, pool), standing.eligible - 1)


def _ppv(prior: float, tpir: float, wrong: float, fpir: float) -> float | None:
    """Give the share of claims that are right where the mate is in the pool with a probability (THEORY 4)."""
    claims = prior * (tpir + wrong) + (1 - prior) * fpir
    return prior * tpir / claims if claims > 0 else None
