"""The figures of an audit, each a cheap, exact function of the linkage table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage import pools
from relinkage.linkage.table import ALL, LinkageTable, Standing
from relinkage.linkage.uncertainty import ClusterBootstrap

Floats = NDArray[np.float64]
FULL = "full"
Pool = int | str
"""A pool size, or "full": all that is eligible for each query."""


@dataclass(frozen=True)
class Resampling:
    """How intervals are made.

    Attributes:
        level: the confidence level.
        replicates: bootstrap replicates.
        seed: of the bootstrap and of the controls.
    """

    level: float = 0.95
    replicates: int = 2000
    seed: int = 0


@dataclass(frozen=True)
class Cell:
    """One figure's place: a pool and a rank K."""

    pool: Pool
    k: int


def sizes(standing: Standing, pool: Pool) -> NDArray[np.int64]:
    """Give every query's pool size: the same for all, or all that is eligible for it, but at least two."""
    if pool == FULL:
        return np.maximum(standing.eligible, 2)
    return np.full(len(standing.eligible), int(pool), np.int64)


def size(standing: Standing, pool: Pool) -> int:
    """Give the pool size to print; of "full", the largest that any query has."""
    return int(sizes(standing, pool).max())


def recalls(standing: Standing, cells: Sequence[Cell]) -> Floats:
    """Give every query's expected recall in every cell: float64, shape (q, cells), NaN where too few."""
    out = np.empty((len(standing.eligible), len(cells)))
    for pool in dict.fromkeys(cell.pool for cell in cells):
        places = [place for place, cell in enumerate(cells) if cell.pool == pool]
        places.sort(key=lambda place: cells[place].k)
        out[:, places] = pools.recall_at(
            standing.eligible,
            standing.above,
            standing.ties,
            sizes(standing, pool),
            [cells[p].k for p in places],
        )
    return out


def chance(standing: Standing, cell: Cell) -> float:
    """Give what a scorer without knowledge reaches: K/N, averaged over queries where "full" differs."""
    if cell.pool != FULL:
        return min(cell.k / int(cell.pool), 1.0)
    pool = sizes(standing, cell.pool)
    pool, queries = np.unique(pool[pool <= standing.eligible], return_counts=True)
    return float(np.average(np.minimum(cell.k / pool, 1.0), weights=queries))


def recall_rows(
    table: LinkageTable,
    cells: Sequence[Cell],
    resampling: Resampling,
    negatives: str = ALL,
    strict: float = 0.999,
) -> list[dict[str, Any]]:
    """Give a row per cell: recall with its interval, chance, lift, how many queries it rests on.

    Args:
        table: the linkage table.
        cells: pools and ranks.
        resampling: how intervals are made.
        negatives: which distractors.
        strict: the level at which `on_chance` asks whether chance lies in the interval; several cells are
            looked at together, so it is stricter than the level that is printed.
    """
    standing = table.standings[negatives]
    values = recalls(standing, cells)
    bootstrap = ClusterBootstrap.draw(values, table.patient, resampling.replicates, resampling.seed)
    shown, wide = bootstrap.interval(resampling.level), bootstrap.interval(strict)
    rows = []
    for place, cell in enumerate(cells):
        queries = int((~np.isnan(values[:, place])).sum())
        if queries == 0:
            continue
        expected = chance(standing, cell)
        recall = float(shown.mean[place])
        rows.append(
            {
                "direction": table.direction,
                "negatives": negatives,
                "pool": size(standing, cell.pool),
                "k": cell.k,
                "recall": recall,
                "low": float(shown.low[place]),
                "high": float(shown.high[place]),
                "chance": expected,
                "lift": recall / expected,
                "queries": queries,
                "patients": int(bootstrap.patients[place]),
                "coverage": queries / len(table),
                "full": cell.pool == FULL,
                "on_chance": bool(wide.low[place] - 1e-12 <= expected <= wide.high[place] + 1e-12),
            }
        )
    return rows


def rank_rows(
    table: LinkageTable, chosen: Sequence[Pool], resampling: Resampling, negatives: str = ALL
) -> list[dict[str, Any]]:
    """Give a row per pool: mean reciprocal rank with its interval, median and mean of the expected ranks."""
    if not chosen:
        return []
    standing = table.standings[negatives]
    counts = (standing.eligible, standing.above, standing.ties)
    reciprocal = np.stack([pools.reciprocal_rank(*counts, sizes(standing, pool)) for pool in chosen], axis=1)
    estimates = ClusterBootstrap.draw(
        reciprocal, table.patient, resampling.replicates, resampling.seed
    ).interval(resampling.level)
    rows = []
    for place, pool in enumerate(chosen):
        ranks = pools.rank(*counts, sizes(standing, pool))
        if np.isnan(ranks).all():
            continue
        rows.append(
            {
                "direction": table.direction,
                "negatives": negatives,
                "pool": size(standing, pool),
                "mrr": float(estimates.mean[place]),
                "mrr_low": float(estimates.low[place]),
                "mrr_high": float(estimates.high[place]),
                "median_rank": float(np.nanmedian(ranks)),
                "mean_rank": float(np.nanmean(ranks)),
                "queries": int((~np.isnan(ranks)).sum()),
            }
        )
    return rows


def rank_distribution(table: LinkageTable, negatives: str = ALL, bins: int = 24) -> dict[str, Any]:
    """Count queries by their mate's expected rank as a share of what is eligible, in logarithmic bins."""
    standing = table.standings[negatives]
    relative = standing.expected_rank / standing.eligible
    least = 1 / float(standing.eligible.max())
    edges = np.geomspace(least, 1.0, bins + 1) if least < 1 else np.array([0.5, 1.0])
    counts = np.histogram(np.clip(relative, edges[0], edges[-1]), edges)[0]
    return {
        "direction": table.direction,
        "negatives": negatives,
        "edges": [float(edge) for edge in edges],
        "counts": [int(count) for count in counts],
    }
