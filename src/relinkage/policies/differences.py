"""How much more a run shows than a reference: the upper limit of the difference of their strongest attackers.

The strongest attacker of the reference is not known, only which one looks strongest. So each of its m
attackers is subtracted at the one-sided level 1 − 0.05 / m, and the smallest of these limits holds: with 95 %
confidence all m do, and none of the m lies above the strongest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from relinkage.linkage.comparison import paired
from relinkage.linkage.settings import AuditSettings
from relinkage.linkage.uncertainty import ClusterBootstrap, Estimates
from relinkage.policies.figures import Reading, Sample
from relinkage.policies.rules import LEVEL, Unit


class NoReferenceError(Exception):
    """The reference has nothing to hold a figure against; the message says what."""


@dataclass(frozen=True)
class Above:
    """How much more an attacker reaches than the strongest of the reference.

    Attributes:
        value: the difference, in the units of the rule.
        most: its one-sided 95 % upper limit.
        paired: whether both are of the same queries of the same patients.
    """

    value: float
    most: float
    paired: bool


def above_reference(
    readings: Sequence[Reading], reference: Sequence[Reading], unit: Unit, settings: AuditSettings
) -> list[Above]:
    """Return how much more each attacker reaches than the strongest of the reference.

    Args:
        readings: what the attackers reach, in all directions.
        reference: what the attackers of the reference reach, likewise.
        unit: how figures count.
        settings: of the reference: replicates and seed.

    Raises:
        NoReferenceError: the reference has no such figure.
    """
    found: dict[int, Above] = {}
    for kind in dict.fromkeys((reading.direction, reading.what) for reading in readings):
        own = [place for place, each in enumerate(readings) if (each.direction, each.what) == kind]
        others = [each for each in reference if (each.direction, each.what) == kind]
        if not others:
            raise NoReferenceError(f"there is no figure {kind[1] or kind[0]}")
        found |= zip(own, _above([readings[place] for place in own], others, unit, settings), strict=True)
    return [found[place] for place in range(len(readings))]


def _above(
    readings: Sequence[Reading], others: Sequence[Reading], unit: Unit, settings: AuditSettings
) -> list[Above]:
    """Return how far each reading lies above others of its direction and kind."""
    level = 1 - (1 - LEVEL) / len(others)
    first = readings[0]
    aligned = [_aligned(first, other, unit) for other in others]
    known = [sample for sample in aligned if sample is not None]
    own = [each.sample for each in readings if each.sample is not None and _alike(each, first, unit)]
    in_pairs = len(known) == len(others) and len(own) == len(readings)
    if in_pairs:
        times = 1 / first.chance if unit == "times chance" else 1.0
        limits = [[times * share for share in row] for row in _paired(own, known, level, settings)]
    else:
        limits = [[_unpaired(each, other, unit, level) for other in others] for each in readings]
    above = []
    for each, most in zip(readings, limits, strict=True):
        place = int(np.argmin(most))
        value = each.in_unit(each.value, unit) - others[place].in_unit(others[place].value, unit)
        above.append(Above(value, most[place], in_pairs))
    return above


def _alike(reading: Reading, first: Reading, unit: Unit) -> bool:
    """Return whether a reading is of the same queries of the same patients as another, in the same order."""
    new, old = reading.sample, first.sample
    return (
        new is not None
        and old is not None
        and (unit == "share" or abs(reading.chance - first.chance) <= 1e-12)
        and np.array_equal(new.patient, old.patient)
        and new.key.equals(old.key)
        and np.array_equal(np.isnan(new.values), np.isnan(old.values))
    )


def _aligned(reading: Reading, other: Reading, unit: Unit) -> Sample | None:
    """Return the reference's values in the run's order; None where they are not of the same queries."""
    new, old = reading.sample, other.sample
    if new is None or old is None or len(new.key) != len(old.key):
        return None
    if unit != "share" and abs(reading.chance - other.chance) > 1e-12:
        return None
    order, others = new.key.arg_sort().to_numpy(), old.key.arg_sort().to_numpy()
    if new.key.is_duplicated().any() or not new.key.sort().equals(old.key.sort()):
        return None
    values, patient = np.empty_like(old.values), np.empty_like(old.patient)
    values[order], patient[order] = old.values[others], old.patient[others]
    groups = len(np.unique(new.patient))
    together = len(np.unique(np.stack([new.patient, patient]), axis=1)[0])
    if not groups == len(np.unique(patient)) == together:
        return None
    if not np.array_equal(np.isnan(values), np.isnan(new.values)):
        return None
    return Sample(values, new.patient, new.key)


def _paired(
    new: Sequence[Sample], old: Sequence[Sample], level: float, settings: AuditSettings
) -> list[list[float]]:
    """Return for each new sample the upper limits of its differences with each old one."""
    cells, two_sided = len(old), 2 * level - 1
    values = np.column_stack([each.values for each in (*old, *new)])
    drawn = ClusterBootstrap.draw(values, new[0].patient, settings.replicates, settings.seed)
    ends = drawn.interval(two_sided)
    limits = []
    for place in range(cells, cells + len(new)):
        before, after = np.arange(cells), np.full(cells, place)
        first, last = (
            Estimates(ends.mean[side], ends.low[side], ends.high[side]) for side in (before, after)
        )
        both = drawn.take(np.concatenate([before, after]))
        difference, _ = paired(both, first, last, two_sided, np.zeros(cells, np.bool_))
        limits.append([float(high) for high in difference.high])
    return limits


def _unpaired(new: Reading, old: Reading, unit: Unit, level: float) -> float:
    """Return the upper limit of a difference of independent figures (Zou & Donner, Stat. Med. 2008).

    Limits at another level are moved to it as those of a normal figure are.
    """
    value, most = (new.in_unit(share, unit) for share in (new.value, new.high))
    before, least = (old.in_unit(share, unit) for share in (old.value, old.low))
    up, down = (most - value) * _wider(new.level, level), (before - least) * _wider(old.level, level)
    return value - before + float(np.hypot(up, down))


def _wider(level: float, wanted: float) -> float:
    return max(float(ndtri(wanted) / ndtri(level)), 1.0)
