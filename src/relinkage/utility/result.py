"""The result of a utility measurement: every figure with its interval, chance and patients."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

import relinkage
from relinkage.linkage.uncertainty import ClusterBootstrap
from relinkage.utility.auroc import auroc_bootstrap
from relinkage.utility.benchmark import DIRECTIONS, MAP, NDCG, PRECISION, SAME_LABELS, Benchmark, Measured
from relinkage.utility.paired import Paired
from relinkage.utility.probe import Probe
from relinkage.utility.relevance import discounts

SCHEMA = "relinkage.utility/1"
MACRO = "macro"
"""The label of rows that are means over all kept labels."""

Floats = NDArray[np.float64]
Row = dict[str, Any]


def utility_result(
    benchmark: Benchmark, measured: Measured | None, baseline: Measured | None
) -> dict[str, Any]:
    """Put everything into one JSON object; where it comes from (`inputs`) is the caller's to add.

    Args:
        benchmark: what it was measured on.
        measured: of the heads in question; None where the model has no heads, and only features are probed.
        baseline: of the heads they are compared with, on the same benchmark.
    """
    settings = asdict(benchmark.settings)
    settings.update(settings.pop("resampling"))
    settings["interval"] = settings.pop("level")
    test, fit = benchmark.test.pairs, benchmark.fit.pairs
    return {
        "schema": SCHEMA,
        "version": relinkage.__version__,
        "settings": {**settings, "penalties": list(benchmark.settings.penalties)},
        "tested": {
            "pairs": len(test),
            "studies": len(benchmark.reports),
            "patients": test["patient_id"].n_unique(),
        },
        "fitted": {"pairs": len(fit), "patients": fit["patient_id"].n_unique()},
        "labels": [asdict(use) for use in benchmark.uses],
        "probe": _probe_rows(benchmark, measured, baseline),
        "zero_shot": _zero_shot_rows(benchmark, measured, baseline),
        "retrieval": [
            row
            for direction in DIRECTIONS
            if measured is not None
            for row in _retrieval_rows(benchmark, direction, measured, baseline)
        ],
        "geometry": None
        if measured is None
        else {
            "measured": measured.geometry.as_dict(),
            "baseline": None if baseline is None else baseline.geometry.as_dict(),
        },
        "prompts": {
            label: {"positive": list(prompt.positive), "negative": list(prompt.negative)}
            for label, prompt in benchmark.said.items()
            if benchmark.prompts is not None
        },
        "notes": list(benchmark.notes),
    }


def _probe_rows(benchmark: Benchmark, measured: Measured | None, baseline: Measured | None) -> list[Row]:
    rows = []
    if measured is not None:
        probes = [measured.probe, None if baseline is None else baseline.probe]
        scores = [measured.probe_scores, None if baseline is None else baseline.probe_scores]
        rows += [
            {"on": "embeddings", **row, **_penalties(probes[0], probes[1])}
            for row in _auroc_rows(benchmark, scores[0], scores[1])
        ]
    probe, frozen = benchmark.features
    rows += [
        {"on": "features", **row, **_penalties(probe, None)} for row in _auroc_rows(benchmark, frozen, None)
    ]
    return rows


def _zero_shot_rows(benchmark: Benchmark, measured: Measured | None, baseline: Measured | None) -> list[Row]:
    if measured is None or measured.zero_shot_scores is None:
        return []
    before = None if baseline is None else baseline.zero_shot_scores
    return _auroc_rows(benchmark, measured.zero_shot_scores, before)


def _auroc_rows(benchmark: Benchmark, scores: Floats | None, before: Floats | None) -> list[Row]:
    """Give the macro AUROC first, then a row per label."""
    if scores is None:
        return []
    resampling, truth = benchmark.settings.resampling, benchmark.test_truth
    sides = [
        None if given is None else auroc_bootstrap(given, truth, benchmark.patient, resampling)
        for given in (scores, before)
    ]
    same = None
    if before is not None:
        same = (scores == before).all(axis=0)
        same = np.append(same, same.all())
    assert sides[0] is not None
    paired = Paired.of(sides[0], sides[1], resampling.level, same)
    names = [*benchmark.labels, MACRO]
    positive, counted = truth == 1, truth >= 0
    images = [*((int(p), int(c)) for p, c in zip(positive.sum(0), counted.sum(0), strict=True))]
    images.append((int(positive.any(axis=1).sum()), len(truth)))
    rows = [
        {
            "label": name,
            "chance": 0.5,
            **paired.at(cell),
            "images": images[cell][1],
            "positive": images[cell][0],
            "patients": int(paired.patients[cell]),
        }
        for cell, name in enumerate(names)
    ]
    return [rows[-1], *rows[:-1]]


def _penalties(measured: Probe | None, baseline: Probe | None) -> Row:
    return {
        "penalty": None if measured is None else measured.penalty,
        "baseline_penalty": None if baseline is None else baseline.penalty,
    }


def _retrieval_rows(
    benchmark: Benchmark, direction: str, measured: Measured, baseline: Measured | None
) -> list[Row]:
    ahead, k, resampling = (
        benchmark.prospects[direction], benchmark.settings.k, benchmark.settings.resampling
    )  # fmt: skip
    queries = benchmark.images if direction == "image-to-report" else benchmark.reports
    after = measured.retrieval[direction]
    before = None if baseline is None else baseline.retrieval[direction]
    both = after if before is None else np.concatenate([after, before], axis=1)
    drawn = ClusterBootstrap.draw(both, queries.patient, resampling.replicates, resampling.seed)
    sides = [
        ClusterBootstrap(
            drawn.means[part], drawn.replicates[:, part], drawn.patients[part], drawn.effective[part]
        )
        for part in (slice(4), slice(4, 8))
    ]
    same = None if before is None else ((after == before) | np.isnan(after)).all(axis=0)
    paired = Paired.of(sides[0], None if before is None else sides[1], resampling.level, same)
    chance = np.stack(
        [
            ahead.chance_precision(),
            ahead.chance_same(),
            ahead.chance_ndcg(discounts(k)),
            ahead.chance_average_precision(),
        ],
        axis=1,
    )
    names = {PRECISION: "precision", SAME_LABELS: "precision-same-labels", NDCG: "ndcg", MAP: "map"}
    rows = []
    for cell, name in names.items():
        there = ~np.isnan(after[:, cell])
        rows.append(
            {
                "direction": direction,
                "measure": name,
                "k": None if cell == MAP else k,
                "chance": float(chance[there, cell].mean()),
                **paired.at(cell),
                "queries": int(there.sum()),
                "patients": int(paired.patients[cell]),
                "coverage": float(ahead.asked.mean()),
                "candidates": int(ahead.eligible[ahead.asked].max()),
            }
        )
    return rows
