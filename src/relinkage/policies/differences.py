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
from relinkage.policies.readings import Reading, Sample
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
    reading: Reading, reference: Sequence[Reading], unit: Unit, settings: AuditSettings
) -> Above:
    """Return how much more an attacker reaches than the strongest of the reference.

    Args:
        reading: what the attacker reaches.
        reference: what the attackers of the reference reach, in all directions.
        unit: how figures count.
        settings: of the reference: replicates and seed.

    Raises:
        NoReferenceError: the reference has no such figure.
    """
    others = [
        other for other in reference if (other.direction, other.what) == (reading.direction, reading.what)
    ]
    if not others:
        raise NoReferenceError(f"there is no figure {reading.what or reading.direction}")
    level = 1 - (1 - LEVEL) / len(others)
    samples = [_aligned(reading, other, unit) for other in others]
    known = [sample for sample in samples if sample is not None]
    if reading.sample is not None and len(known) == len(others):
        times = 1 / reading.chance if unit == "times chance" else 1.0
        most = [times * share for share in _paired(reading.sample, known, level, settings)]
    else:
        most = [_unpaired(reading, other, unit, level) for other in others]
    place = int(np.argmin(most))
    value = reading.in_unit(reading.value, unit) - others[place].in_unit(others[place].value, unit)
    return Above(value, most[place], len(known) == len(others))


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


def _paired(new: Sample, old: Sequence[Sample], level: float, settings: AuditSettings) -> list[float]:
    cells = len(old)
    both = np.column_stack([*(each.values for each in old), *[new.values] * cells])
    drawn = ClusterBootstrap.draw(both, new.patient, settings.replicates, settings.seed)
    two_sided = 2 * level - 1
    ends = drawn.interval(two_sided)
    before, after = (
        Estimates(ends.mean[side], ends.low[side], ends.high[side])
        for side in (slice(cells), slice(cells, None))
    )
    difference, _ = paired(drawn, before, after, two_sided, np.zeros(cells, np.bool_))
    return [float(high) for high in difference.high]


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
