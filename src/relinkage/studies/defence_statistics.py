"""Figures of judged heads beside the published ones: paired intervals, chance, and how trainings differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from msgspec.structs import asdict, replace
from numpy.typing import NDArray

from relinkage.attackers.names import AttackerName
from relinkage.defences.result import STRONGEST, DefenceFigures, LinkageRow, UseMeasure, UseRow
from relinkage.defences.spread import over_trainings
from relinkage.linkage.comparison import Change
from relinkage.linkage.estimates import Compared, Difference, Estimate, RelativeChange
from relinkage.linkage.settings import Direction
from relinkage.linkage.uncertainty import ClusterBootstrap, Estimates
from relinkage.studies.defence_judging import Ground, Judged
from relinkage.usefulness.auroc import auroc_bootstrap
from relinkage.usefulness.paired import Paired

Floats = NDArray[np.float64]
Side = TypeVar("Side", Estimate, Difference)
LOST_USE = 0.02
"""What use may be lost and still count as held."""


@dataclass(frozen=True, eq=False)
class Published:
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
    def of(cls, ground: Ground, judged: Judged) -> "Published":
        """Prepare what the published heads reach on a cohort."""
        zero_shot = judged.zero_shot_scores
        return cls(
            ground,
            judged,
            _areas(ground, judged.probe_scores),
            None if zero_shot is None else _areas(ground, zero_shot),
        )

    def figures(self, judged: Sequence[Judged]) -> DefenceFigures:
        """Return all figures of some heads, with intervals over patients and over another training.

        Args:
            judged: the heads of each training or draw on the same cohort, those that are shown first.
        """
        return DefenceFigures(
            linkage=tuple(self._linkage(judged)), use=tuple(self._use(judged)), use_held=None
        )

    def _linkage(self, judged: Sequence[Judged]) -> list[LinkageRow]:
        """Return Recall@1 search by search: by attacker, and by the strongest of each side."""
        first, ground = judged[0], self.ground
        columns: list[tuple[int, AttackerName, bool]] = []
        before, after = [], []
        for place, _ in enumerate(ground.searches):
            for name in [*first.hits, None]:
                by = name or _strongest(first, place)
                columns.append((place, by, name is None))
                before.append(self.judged.hits[name or _strongest(self.judged, place)][:, place])
                after.append(first.hits[by][:, place])
        change = Change.measure(
            np.stack(before, axis=1), np.stack(after, axis=1), ground.links.patient, ground.settings
        )
        rows = []
        for cell, (place, by, strongest) in enumerate(columns):
            search, base = ground.searches[place], float(change.before.mean[cell])
            trainings = [_recall(one, _strongest(one, place) if strongest else by, place) for one in judged]
            relative = None
            if first is not self.judged and base > 0:
                relative = _relative(
                    change.relative, cell, [one / base - 1 for one in trainings], self._level
                )
            rows.append(
                LinkageRow(
                    **asdict(search),
                    attacker=STRONGEST if strongest else by,
                    by=by,
                    recall=_widened(
                        Estimate(**_ends(change.after, cell)), trainings, self._level, (0.0, 1.0)
                    ),
                    chance=1 / search.pool,
                    lift=float(change.after.mean[cell]) * search.pool,
                    relative=relative,
                    trainings=tuple(trainings),
                )
            )
        return rows

    def _use(self, judged: Sequence[Judged]) -> list[UseRow]:
        """Return label precision in both directions, then what images alone are asked for."""
        first, on = judged[0], self.ground.benchmark
        rows = [
            self._row(
                "precision",
                self._precision(first, direction),
                [float(np.nanmean(one.precision[direction])) for one in judged],
                int(on.prospects[direction].asked.sum()),
                direction,
            )
            for direction in first.precision
        ]
        probe = self._auroc(first.probe_scores, self.judged.probe_scores, self.areas)
        macros = [self.ground.macro(one.probe_scores) for one in judged]
        rows.append(self._row("auroc", probe, macros, len(on.test)))
        asked = [one.zero_shot_scores for one in judged if one.zero_shot_scores is not None]
        if asked and self.judged.zero_shot_scores is not None and self.zero_shot is not None:
            named = self._auroc(asked[0], self.judged.zero_shot_scores, self.zero_shot)
            rows.append(
                self._row("zero-shot", named, [self.ground.macro(one) for one in asked], len(on.test))
            )
        return rows

    def _row(
        self,
        measure: UseMeasure,
        found: Compared,
        trainings: Sequence[float],
        queries: int,
        direction: Direction | None = None,
    ) -> UseRow:
        moved, base = found.difference, found.baseline
        if moved is not None and base is not None:
            apart = [one - base.value for one in trainings]
            moved = _widened(moved, apart, self._level, (-1.0, 1.0))
        return UseRow(
            chance=found.chance,
            measured=_widened(found.measured, trainings, self._level, (0.0, 1.0)),
            baseline=base,
            difference=moved,
            measure=measure,
            direction=direction,
            queries=queries,
            trainings=tuple(trainings),
        )

    def _auroc(self, scores: Floats, published: Floats, areas: ClusterBootstrap) -> Compared:
        if scores is published:
            return Paired.of(areas, None, self._level).at(-1, chance=0.5)
        same = (scores == published).all(axis=0)
        after = _areas(self.ground, scores)
        return Paired.of(after, areas, self._level, np.append(same, same.all())).at(-1, chance=0.5)

    def _precision(self, judged: Judged, direction: Direction) -> Compared:
        on, settings = self.ground.benchmark, self.ground.settings
        patient = (on.images if direction == "image-to-report" else on.reports).patient
        both = np.stack([judged.precision[direction], self.judged.precision[direction]], axis=1)
        drawn = ClusterBootstrap.draw(both, patient, settings.replicates, settings.seed)
        before = None if judged is self.judged else drawn.take(slice(1, 2))
        ahead = on.prospects[direction]
        chance = float(ahead.chance_precision()[ahead.asked].mean())
        return Paired.of(drawn.take(slice(0, 1)), before, self._level).at(0, chance)

    @property
    def _level(self) -> float:
        return self.ground.settings.interval


def use_held(figures: DefenceFigures, random: DefenceFigures) -> bool | None:
    """Return whether heads are as useful as the published ones, and better than random ones.

    Probes of images never count: they see one side alone.

    Args:
        figures: those of the heads.
        random: those of heads with a random image side.

    Returns:
        None where there is no retrieval, or nothing to compare with.
    """
    random_use = {(row.measure, row.direction): row for row in random.use}
    rows = [row for row in figures.use if row.measure != "auroc"]
    if not rows or any(row.difference is None for row in rows):
        return None
    return all(
        row.difference is not None
        and row.difference.low >= -LOST_USE
        and row.measured.value > random_use[row.measure, row.direction].measured.high
        for row in rows
    )


def _recall(judged: Judged, name: AttackerName, search: int) -> float:
    return float(np.nanmean(judged.hits[name][:, search]))


def _strongest(judged: Judged, search: int) -> AttackerName:
    return max(judged.hits, key=lambda name: _recall(judged, name, search))


def _areas(ground: Ground, scores: Floats) -> ClusterBootstrap:
    on = ground.benchmark
    return auroc_bootstrap(scores, on.test_truth, on.patient, ground.settings)


def _widened(side: Side, trainings: Sequence[float], level: float, ends: tuple[float, float]) -> Side:
    low, high = over_trainings(side.value, side.low, side.high, trainings, level)
    return replace(side, low=max(low, ends[0]), high=min(high, ends[1]))


def _relative(
    estimates: Estimates, cell: int, trainings: Sequence[float], level: float
) -> RelativeChange | None:
    """Return a cell, an end that is not a number as None; None where there is no value at all."""
    value, low, high = _ends(estimates, cell).values()
    if not np.isfinite(value):
        return None
    low, high = over_trainings(value, low, high, trainings, level)
    return RelativeChange(
        value=value,
        low=max(low, -1.0) if np.isfinite(low) else None,
        high=high if np.isfinite(high) else None,
    )


def _ends(estimates: Estimates, cell: int) -> dict[str, float]:
    sides = {"value": estimates.mean, "low": estimates.low, "high": estimates.high}
    return {name: float(side[cell]) for name, side in sides.items()}
