"""Figures of judged heads beside the published ones: paired intervals, chance, and how seeds differ."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import asdict
from numpy.typing import NDArray

from relinkage.attackers.names import AttackerName
from relinkage.defences.result import STRONGEST, DefenceFigures, LinkageRow, Precision
from relinkage.linkage.comparison import Change
from relinkage.linkage.estimates import Compared, Estimate, RelativeChange
from relinkage.linkage.uncertainty import ClusterBootstrap, Estimates
from relinkage.studies.defences.judging import Ground, Judged
from relinkage.utility.auroc import auroc_bootstrap
from relinkage.utility.paired import Paired

Floats = NDArray[np.float64]


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

    def figures(self, judged: Sequence[Judged]) -> DefenceFigures:
        """Give all figures of some heads with intervals over patients; None for what there is no figure of.

        Args:
            judged: the heads of each seed, on the same cohort; intervals are those of the first.
        """
        first = judged[0]
        points = [_points(self.ground, one) for one in judged]
        return DefenceFigures(
            linkage=tuple(self._linkage(first)),
            strongest=_strongest(first),
            auroc=self._auroc(first.probe_scores, self.judged.probe_scores, self.areas),
            precision=self._precision(first),
            zero_shot=None
            if first.zero_shot_scores is None or self.zero_shot is None
            else self._auroc(first.zero_shot_scores, self.judged.zero_shot_scores, self.zero_shot),
            seeds=len(points),
            points=tuple(points),
            deviation={name: _deviation([point[name] for point in points]) for name in points[0]},
        )

    def _linkage(self, judged: Judged) -> list[LinkageRow]:
        """Give Recall@1 by attacker, and by the strongest of each side, with the change from published."""
        before, settings = self.judged.hits, self.ground.settings
        names = list(judged.hits)
        sides = [(before[name], judged.hits[name]) for name in names]
        sides.append((before[_strongest(self.judged)], judged.hits[_strongest(judged)]))
        stacked = [np.stack(side, axis=1) for side in zip(*sides, strict=True)]
        change = Change.measure(stacked[0], stacked[1], self.ground.links.patient, settings)
        return [
            LinkageRow(
                attacker=name,
                recall=Estimate(**_ends(change.after, cell)),
                chance=1 / self.ground.pool,
                lift=float(change.after.mean[cell]) * self.ground.pool,
                relative=None if judged is self.judged else _relative(change.relative, cell),
            )
            for cell, name in enumerate([*names, STRONGEST])
        ]

    def _auroc(self, scores: Floats, published: Floats | None, areas: ClusterBootstrap) -> Compared:
        if scores is published:
            return Paired.of(areas, None, self._level).at(-1, chance=0.5)
        assert published is not None
        same = (scores == published).all(axis=0)
        after = _areas(self.ground, scores)
        return Paired.of(after, areas, self._level, np.append(same, same.all())).at(-1, chance=0.5)

    def _precision(self, judged: Judged) -> Precision | None:
        if judged.precision is None or self.judged.precision is None:
            return None
        on, settings = self.ground.benchmark, self.ground.settings
        both = np.stack([judged.precision, self.judged.precision], axis=1)
        drawn = ClusterBootstrap.draw(both, on.images.patient, settings.replicates, settings.seed)
        before = None if judged is self.judged else drawn.take(slice(1, 2))
        ahead = on.prospects["image-to-report"]
        chance = float(ahead.chance_precision()[ahead.asked].mean())
        paired = Paired.of(drawn.take(slice(0, 1)), before, self._level).at(0, chance)
        return Precision(queries=int(ahead.asked.sum()), **asdict(paired))

    @property
    def _level(self) -> float:
        return self.ground.settings.interval


def _points(ground: Ground, judged: Judged) -> dict[str, float | None]:
    recalls: dict[str, float] = {name: float(hits.mean()) for name, hits in judged.hits.items()}
    zero_shot = judged.zero_shot_scores
    return {
        **recalls,
        STRONGEST: max(recalls.values()),
        "auroc": ground.macro(judged.probe_scores),
        "precision": None if judged.precision is None else float(np.nanmean(judged.precision)),
        "zero_shot": None if zero_shot is None else ground.macro(zero_shot),
    }


def _deviation(values: Sequence[float | None]) -> float | None:
    """Give the standard deviation of some seeds (n - 1); None for one seed."""
    known = [value for value in values if value is not None]
    return float(np.std(known, ddof=1)) if len(known) > 1 else None


def _areas(ground: Ground, scores: Floats) -> ClusterBootstrap:
    on = ground.benchmark
    return auroc_bootstrap(scores, on.test_truth, on.patient, ground.settings)


def _strongest(judged: Judged) -> AttackerName:
    return max(judged.hits, key=lambda name: float(judged.hits[name].mean()))


def _relative(estimates: Estimates, cell: int) -> RelativeChange | None:
    """Give a cell, an end that is no number as None; None where there is no value at all."""
    ends = _ends(estimates, cell)
    value, low, high = (end if np.isfinite(end) else None for end in ends.values())
    return None if value is None else RelativeChange(value=value, low=low, high=high)


def _ends(estimates: Estimates, cell: int) -> dict[str, float]:
    sides = {"value": estimates.mean, "low": estimates.low, "high": estimates.high}
    return {name: float(side[cell]) for name, side in sides.items()}
