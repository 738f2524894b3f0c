"""Figures of judged heads beside the published ones: paired intervals, chance, and how seeds differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.comparison import Change
from relinkage.linkage.uncertainty import ClusterBootstrap, Estimates
from relinkage.studies.defences.judging import Ground, Judged
from relinkage.utility.auroc import auroc_bootstrap
from relinkage.utility.paired import Paired

Floats = NDArray[np.float64]
Figures = dict[str, Any]

STRONGEST = "strongest"
"""The name of figures of whichever attacker links most, on either side of a comparison."""


@dataclass(frozen=True, eq=False)
class Baseline:
    """The published heads on one cohort, with what every comparison with them needs again.

    Attributes:
        ground: the cohort.
        judged: the published heads.
        areas: replicates of their AUROC, macro last.
        zero_shot: the same of zero-shot labels, or None.
    """

    ground: Ground
    judged: Judged
    areas: ClusterBootstrap
    zero_shot: ClusterBootstrap | None

    @classmethod
    def of(cls, ground: Ground, judged: Judged) -> "Baseline":
        """Prepare the baseline of a cohort."""
        zero_shot = judged.zero_shot_scores
        return cls(
            ground,
            judged,
            _areas(ground, judged.probe_scores),
            None if zero_shot is None else _areas(ground, zero_shot),
        )

    def figures(self, judged: Judged) -> Figures:
        """Give all figures of some heads with intervals over patients; None for what there is no figure of.

        Args:
            judged: the heads, on the same cohort.
        """
        return {
            "linkage": self._linkage(judged),
            "strongest": _strongest(judged),
            "auroc": {
                "chance": 0.5,
                **self._auroc(judged.probe_scores, self.judged.probe_scores, self.areas),
            },
            "precision": self._precision(judged),
            "zero_shot": None
            if judged.zero_shot_scores is None or self.zero_shot is None
            else {
                "chance": 0.5,
                **self._auroc(judged.zero_shot_scores, self.judged.zero_shot_scores, self.zero_shot),
            },
        }

    def _linkage(self, judged: Judged) -> list[Figures]:
        """Give Recall@1 by attacker, and by the strongest of each side, with the change from published."""
        before, resampling = self.judged.hits, self.ground.settings.resampling
        sides = [(name, before[name], hits) for name, hits in judged.hits.items()]
        sides.append((STRONGEST, before[_strongest(self.judged)], judged.hits[_strongest(judged)]))
        stacked = [np.stack([side[place] for side in sides], axis=1) for place in (1, 2)]
        change = Change.measure(stacked[0], stacked[1], self.ground.links.patient, resampling)
        return [
            {
                "attacker": name,
                "recall": _at(change.after, cell),
                "chance": 1 / self.ground.pool,
                "lift": float(change.after.mean[cell]) * self.ground.pool,
                "relative": None if judged is self.judged else _at(change.relative, cell),
            }
            for cell, (name, _, _) in enumerate(sides)
        ]

    def _auroc(self, scores: Floats, published: Floats | None, areas: ClusterBootstrap) -> Figures:
        if scores is published:
            return _without_baseline(Paired.of(areas, None, self._level).at(-1))
        assert published is not None
        same = (scores == published).all(axis=0)
        after = _areas(self.ground, scores)
        return Paired.of(after, areas, self._level, np.append(same, same.all())).at(-1)

    def _precision(self, judged: Judged) -> Figures | None:
        if judged.precision is None or self.judged.precision is None:
            return None
        on, resampling = self.ground.benchmark, self.ground.settings.resampling
        both = np.stack([judged.precision, self.judged.precision], axis=1)
        drawn = ClusterBootstrap.draw(both, on.images.patient, resampling.replicates, resampling.seed)
        after, before = (
            ClusterBootstrap(
                drawn.means[side], drawn.replicates[:, side], drawn.patients[side], drawn.effective[side]
            )
            for side in (slice(0, 1), slice(1, 2))
        )
        ahead = on.prospects["image-to-report"]
        same = judged is self.judged
        paired = Paired.of(after, None if same else before, self._level).at(0)
        return {
            "chance": float(ahead.chance_precision()[ahead.asked].mean()),
            "queries": int(ahead.asked.sum()),
            **(_without_baseline(paired) if same else paired),
        }

    @property
    def _level(self) -> float:
        return self.ground.settings.resampling.level


def over_seeds(ground: Ground, judged: Sequence[Judged]) -> Figures:
    """Give the figures of each seed without intervals, and their standard deviation (n − 1).

    Args:
        ground: the cohort.
        judged: the heads of each seed, at least one.
    """
    points = [_points(ground, one) for one in judged]
    several = len(points) > 1
    return {
        "seeds": len(points),
        "points": points,
        "deviation": {
            name: None
            if not several or points[0][name] is None
            else float(np.std([point[name] for point in points], ddof=1))
            for name in points[0]
        },
    }


def _points(ground: Ground, judged: Judged) -> Figures:
    recalls = {name: float(hits.mean()) for name, hits in judged.hits.items()}
    zero_shot = judged.zero_shot_scores
    return {
        **recalls,
        STRONGEST: max(recalls.values()),
        "auroc": ground.macro(judged.probe_scores),
        "precision": None if judged.precision is None else float(np.nanmean(judged.precision)),
        "zero_shot": None if zero_shot is None else ground.macro(zero_shot),
    }


def _areas(ground: Ground, scores: Floats) -> ClusterBootstrap:
    on = ground.benchmark
    return auroc_bootstrap(scores, on.test_truth, on.patient, ground.settings.resampling)


def _strongest(judged: Judged) -> str:
    return max(judged.hits, key=lambda name: float(judged.hits[name].mean()))


def _without_baseline(paired: Figures) -> Figures:
    return {**paired, "baseline": None, "difference": None}


def _at(estimates: Estimates, cell: int) -> Figures | None:
    """Give a cell as JSON, an end that is no number as None; None where there is no value at all."""
    value, low, high = (float(side[cell]) for side in (estimates.mean, estimates.low, estimates.high))
    if np.isnan(value):
        return None
    ends = (None if not np.isfinite(end) else end for end in (low, high))
    return {"value": value, **dict(zip(("low", "high"), ends, strict=True))}
