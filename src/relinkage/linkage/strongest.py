"""How much the strongest of several attackers links, where nobody knew before which one that is.

The best of several figures is too high, by chance alone. So the attacker is chosen on one half of the
patients and measured on the other, and the halves change places: `at_least`. What none of them may exceed is
the largest of their one-sided upper limits: `at_most`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.estimates import Estimate
from relinkage.linkage.measures import Cell, recalls
from relinkage.linkage.settings import Resampling
from relinkage.linkage.table import ALL, LinkageTable
from relinkage.linkage.thresholds import Halves
from relinkage.linkage.uncertainty import ClusterBootstrap, Estimates

Floats = NDArray[np.float64]


def at_least(
    tables: Sequence[LinkageTable], cell: Cell, resampling: Resampling, negatives: str = ALL
) -> Estimate:
    """Return the recall of the attacker that the other half of the patients chooses.

    Args:
        tables: a linkage table per attacker, of the same queries in the same order.
        cell: pool and rank.
        resampling: level, replicates and seed; the seed draws the halves too.
        negatives: which distractors.

    Returns:
        The mean over all queries that have so large a pool. The interval takes each half's choice as made.
    """
    values = _values(tables, cell, negatives)
    patient = tables[0].patient
    second = Halves.deal(patient, resampling.seed, 0).in_second
    chosen = np.empty(len(patient))
    for half in (second, ~second):
        chosen[half] = values[half, _best(values[~half])]
    estimate = _interval(chosen[:, None], patient, resampling, resampling.interval)
    return Estimate(value=float(estimate.mean[0]), low=float(estimate.low[0]), high=float(estimate.high[0]))


def at_most(
    tables: Sequence[LinkageTable], cell: Cell, resampling: Resampling, negatives: str = ALL
) -> float:
    """Return the largest one-sided upper limit of all attackers, at the level of the intervals.

    Args:
        tables: as in `at_least`.
        cell: pool and rank.
        resampling: level, replicates and seed.
        negatives: which distractors.
    """
    values = _values(tables, cell, negatives)
    two_sided = 2 * resampling.interval - 1
    return float(np.nanmax(_interval(values, tables[0].patient, resampling, two_sided).high))


def _values(tables: Sequence[LinkageTable], cell: Cell, negatives: str) -> Floats:
    """Return every query's recall by every attacker: float64, shape (queries, attackers)."""
    return np.column_stack([recalls(table.standings[negatives], [cell])[:, 0] for table in tables])


def _best(values: Floats) -> int:
    """Return which attacker has the highest mean; the first where none has a value."""
    seen = ~np.isnan(values)
    means = np.where(seen, values, 0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return int(np.argmax(means))


def _interval(values: Floats, patient: NDArray[np.int64], how: Resampling, level: float) -> Estimates:
    return ClusterBootstrap.draw(values, patient, how.replicates, how.seed).interval(level)
