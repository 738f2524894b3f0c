"""The result of a utility measurement: every figure with its interval, chance and patients."""

from collections.abc import Sequence

import numpy as np
from msgspec.structs import asdict
from numpy.typing import NDArray

import relinkage
from relinkage.linkage.settings import Direction
from relinkage.linkage.uncertainty import ClusterBootstrap
from relinkage.usefulness.auroc import auroc_bootstrap
from relinkage.usefulness.benchmark import DIRECTIONS, MAP, NDCG, PRECISION, SAME_LABELS, Benchmark, Measured
from relinkage.usefulness.paired import Paired
from relinkage.usefulness.relevance import discounts
from relinkage.usefulness.result import (
    MACRO,
    AurocRow,
    ComparedGeometry,
    FittedPairs,
    Measure,
    ProbeRow,
    RetrievalRow,
    TestedPairs,
    UtilityInputs,
    UtilityResult,
)

MEASURES: dict[int, Measure] = {
    PRECISION: "precision", SAME_LABELS: "precision-same-labels", NDCG: "ndcg", MAP: "map",
}  # fmt: skip

Floats = NDArray[np.float64]


def utility_result(
    benchmark: Benchmark,
    measured: Measured | None,
    baseline: Measured | None,
    inputs: UtilityInputs,
    notes: Sequence[str] = (),
) -> UtilityResult:
    """Put everything into one record.

    Args:
        benchmark: what it was measured on.
        measured: of the heads in question; None where the model has no heads, and only features are probed.
        baseline: of the heads they are compared with, on the same benchmark.
        inputs: where it comes from.
        notes: what else is to be said, beside the benchmark's own notes.
    """
    test, fit = benchmark.test.pairs, benchmark.fit.pairs
    zero_shot: list[AurocRow] = []
    if measured is not None and measured.zero_shot_scores is not None:
        before = None if baseline is None else baseline.zero_shot_scores
        zero_shot = _auroc_rows(benchmark, measured.zero_shot_scores, before)
    return UtilityResult(
        version=relinkage.__version__,
        inputs=inputs,
        settings=benchmark.settings,
        tested=TestedPairs(
            pairs=len(test), studies=len(benchmark.reports), patients=test["patient_id"].n_unique()
        ),
        fitted=FittedPairs(pairs=len(fit), patients=fit["patient_id"].n_unique()),
        labels=tuple(benchmark.uses),
        probe=tuple(_probe_rows(benchmark, measured, baseline)),
        zero_shot=tuple(zero_shot),
        retrieval=tuple(
            row
            for direction in DIRECTIONS
            if measured is not None
            for row in _retrieval_rows(benchmark, direction, measured, baseline)
        ),
        geometry=None
        if measured is None
        else ComparedGeometry(
            measured=measured.geometry, baseline=None if baseline is None else baseline.geometry
        ),
        prompts={} if benchmark.prompts is None else dict(benchmark.said),
        notes=(*benchmark.notes, *notes),
    )


def _probe_rows(benchmark: Benchmark, measured: Measured | None, baseline: Measured | None) -> list[ProbeRow]:
    rows = []
    if measured is not None:
        before, penalty = (
            (None, None) if baseline is None else (baseline.probe_scores, baseline.probe.penalty)
        )
        rows += [
            ProbeRow(on="embeddings", penalty=measured.probe.penalty, baseline_penalty=penalty, **asdict(row))
            for row in _auroc_rows(benchmark, measured.probe_scores, before)
        ]
    probe, frozen = benchmark.features
    rows += [
        ProbeRow(on="features", penalty=probe.penalty, baseline_penalty=None, **asdict(row))
        for row in _auroc_rows(benchmark, frozen, None)
    ]
    return rows


def _auroc_rows(benchmark: Benchmark, scores: Floats, before: Floats | None) -> list[AurocRow]:
    """Give the macro AUROC first, then a row per label."""
    settings, truth = benchmark.settings, benchmark.test_truth
    after = auroc_bootstrap(scores, truth, benchmark.patient, settings)
    base, same = None, None
    if before is not None:
        base = auroc_bootstrap(before, truth, benchmark.patient, settings)
        same = (scores == before).all(axis=0)
        same = np.append(same, same.all())
    paired = Paired.of(after, base, settings.interval, same)
    names = [*benchmark.labels, MACRO]
    positive, counted = truth == 1, truth >= 0
    images = [*((int(p), int(c)) for p, c in zip(positive.sum(0), counted.sum(0), strict=True))]
    images.append((int(positive.any(axis=1).sum()), len(truth)))
    rows = [
        AurocRow(
            label=name,
            images=images[cell][1],
            positive=images[cell][0],
            patients=int(paired.patients[cell]),
            **asdict(paired.at(cell, chance=0.5)),
        )
        for cell, name in enumerate(names)
    ]
    return [rows[-1], *rows[:-1]]


def _retrieval_rows(
    benchmark: Benchmark, direction: Direction, measured: Measured, baseline: Measured | None
) -> list[RetrievalRow]:
    ahead, settings = benchmark.prospects[direction], benchmark.settings
    queries = benchmark.images if direction == "image-to-report" else benchmark.reports
    after = measured.retrieval[direction]
    before = None if baseline is None else baseline.retrieval[direction]
    both = after if before is None else np.concatenate([after, before], axis=1)
    drawn = ClusterBootstrap.draw(both, queries.patient, settings.replicates, settings.seed)
    sides = [drawn.take(part) for part in (slice(4), slice(4, 8))]
    same = None if before is None else ((after == before) | np.isnan(after)).all(axis=0)
    paired = Paired.of(sides[0], None if before is None else sides[1], settings.interval, same)
    chance = np.stack(
        [
            ahead.chance_precision(),
            ahead.chance_same(),
            ahead.chance_ndcg(discounts(settings.k)),
            ahead.chance_average_precision(),
        ],
        axis=1,
    )
    rows = []
    for cell, measure in MEASURES.items():
        there = ~np.isnan(after[:, cell])
        rows.append(
            RetrievalRow(
                direction=direction,
                measure=measure,
                k=None if cell == MAP else settings.k,
                queries=int(there.sum()),
                patients=int(paired.patients[cell]),
                coverage=float(ahead.asked.mean()),
                candidates=int(ahead.eligible[ahead.asked].max()),
                **asdict(paired.at(cell, float(chance[there, cell].mean()))),
            )
        )
    return rows
