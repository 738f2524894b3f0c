"""The figures of an audit, each a cheap, exact function of the linkage table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage import pools
from relinkage.linkage.rows import RankDistribution, RankFigures, RankRow, RecallRow
from relinkage.linkage.settings import FULL, PoolSize, Resampling
from relinkage.linkage.table import ALL, LinkageTable, Standing
from relinkage.linkage.uncertainty import ClusterBootstrap

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Cell:
    """One figure's place: a pool and a rank K."""

    pool: PoolSize
    k: int


def sizes(standing: Standing, pool: PoolSize) -> NDArray[np.int64]:
    """Give every query's pool size: the same for all, or all that is eligible for it, but at least two."""
    if pool == FULL:
        return np.maximum(standing.eligible, 2)
    return np.full(len(standing.eligible), int(pool), np.int64)


def size(standing: Standing, pool: PoolSize) -> int:
    """Give the pool size to print; of "full", the largest that any query has."""
    return int(sizes(standing, pool).max())


def recalls(standing: Standing, cells: Sequence[Cell]) -> Floats:
    """Give every query's expected recall in every cell: float64, shape (q, cells), NaN where too few."""
    out = np.empty((len(standing.eligible), len(cells)))
    for pool, places, ks in by_pool(cells):
        out[:, places] = pools.recall_at(
            standing.eligible, standing.above, standing.ties, sizes(standing, pool), ks
        )
    return out


def by_pool(cells: Sequence[Cell]) -> Iterator[tuple[PoolSize, list[int], list[int]]]:
    """Go through the pools of some cells: each with its cells' places, by rising K, and those K."""
    for pool in dict.fromkeys(cell.pool for cell in cells):
        places = [place for place, cell in enumerate(cells) if cell.pool == pool]
        places.sort(key=lambda place: cells[place].k)
        yield pool, places, [cells[place].k for place in places]


def chance(standing: Standing, cell: Cell) -> float:
    """Give what a scorer without knowledge reaches: K/N, averaged over queries where "full" differs.

    NaN where no query has a distractor.
    """
    if cell.pool != FULL:
        return min(cell.k / int(cell.pool), 1.0)
    pool = sizes(standing, cell.pool)
    pool, queries = np.unique(pool[pool <= standing.eligible], return_counts=True)
    if not len(pool):
        return float("nan")
    return float(np.average(np.minimum(cell.k / pool, 1.0), weights=queries))


def recall_rows(
    table: LinkageTable,
    cells: Sequence[Cell],
    resampling: Resampling,
    negatives: str = ALL,
    strict: float = 0.999,
) -> list[RecallRow]:
    """Give a row per cell: recall with its interval, chance, lift, how many queries it rests on.

    Args:
        table: the linkage table.
        cells: pools and ranks.
        resampling: how intervals are made.
        negatives: which distractors.
        strict: the level at which `on_chance` asks whether chance lies in the interval; several cells are
            looked at together, so it is stricter than the level that is printed.
    """
    return closed_set_rows(table, cells, (), resampling, negatives, strict)[0]


def rank_rows(
    table: LinkageTable, chosen: Sequence[PoolSize], resampling: Resampling, negatives: str = ALL
) -> list[RankRow]:
    """Give a row per pool: mean reciprocal rank with its interval, median and mean of the expected ranks.

    Ties count in expectation; `optimistic` and `pessimistic` have the same figures with every tie below the
    mate and above it (Berrendorf et al. 2020).
    """
    return closed_set_rows(table, (), chosen, resampling, negatives)[1]


def closed_set_rows(
    table: LinkageTable,
    cells: Sequence[Cell],
    chosen: Sequence[PoolSize],
    resampling: Resampling,
    negatives: str = ALL,
    strict: float = 0.999,
    gallery: Floats | None = None,
) -> tuple[list[RecallRow], list[RankRow]]:
    """Give what `recall_rows` and `rank_rows` give, from the same draws of patients.

    Args as there, and:
        gallery: float64, shape (cells,): by how much intervals of recall widen where the gallery varies too,
            NaN where it is held fixed; held fixed everywhere where not given.
    """
    if not cells and not chosen:
        return [], []
    standing = table.standings[negatives]
    counts = (standing.eligible, standing.above, standing.ties)
    times = dict(zip(cells, np.full(len(cells), np.nan) if gallery is None else gallery, strict=True))
    wanted, cells = cells, list(times)  # a curve goes through cells of the table
    recall = recalls(standing, cells)
    reciprocal = [pools.reciprocal_rank(*counts, sizes(standing, pool)) for pool in chosen]
    values = np.column_stack([recall, *reciprocal])
    drawn = ClusterBootstrap.draw(values, table.patient, resampling.replicates, resampling.seed)
    printed = [size(standing, cell.pool) for cell in cells]
    expected = [chance(standing, cell) for cell in cells]
    wider = np.array([times[cell] for cell in cells])
    rows = _recall_rows(table, cells, recall, drawn, printed, expected, resampling, negatives, strict, wider)
    of_cell = dict(zip(cells, rows, strict=True))
    return (
        [row for cell in wanted if (row := of_cell[cell]) is not None],
        _rank_rows(table, chosen, drawn.take(slice(len(cells), None)), reciprocal, resampling, negatives),
    )


def rows_of(
    table: LinkageTable,
    cells: Sequence[Cell],
    values: Floats,
    printed: Sequence[int],
    expected: Sequence[float],
    resampling: Resampling,
    strict: float = 0.999,
) -> list[RecallRow]:
    """Give a row per cell that any query has a value in, whatever counts as a hit.

    Args:
        table: whose queries and patients the values are of.
        cells: pools and ranks.
        values: float64, shape (q, cells): every query's recall, NaN where it has none.
        printed: the size of each cell's pool.
        expected: chance in each cell.
        resampling: as in `recall_rows`.
        strict: as in `recall_rows`.
    """
    drawn = ClusterBootstrap.draw(values, table.patient, resampling.replicates, resampling.seed)
    fixed = np.full(len(cells), np.nan)
    rows = _recall_rows(table, cells, values, drawn, printed, expected, resampling, ALL, strict, fixed)
    return [row for row in rows if row is not None]


def _recall_rows(
    table: LinkageTable,
    cells: Sequence[Cell],
    values: Floats,
    drawn: ClusterBootstrap,
    printed: Sequence[int],
    expected: Sequence[float],
    resampling: Resampling,
    negatives: str,
    strict: float,
    wider: Floats,
) -> list[RecallRow | None]:
    """Give a row per cell, None where no query has a value in it."""
    drawn = drawn.take(slice(len(cells)))
    certain = np.asarray(expected) >= 1 - 1e-12  # every query's pool holds at most K candidates
    shown, wide = (drawn.interval(level, certain).widened(wider) for level in (resampling.interval, strict))
    rows: list[RecallRow | None] = []
    for place, cell in enumerate(cells):
        seen = ~np.isnan(values[:, place])
        queries = int(seen.sum())
        if queries == 0:
            rows.append(None)
            continue
        recall = float(shown.mean[place])
        hit, patient = values[seen, place], table.patient[seen]
        rows.append(
            RecallRow(
                direction=table.direction,
                negatives=negatives,
                pool=printed[place],
                full=cell.pool == FULL,
                k=cell.k,
                recall=recall,
                low=float(shown.low[place]),
                high=float(shown.high[place]),
                varies="patients" if np.isnan(wider[place]) else "patients-and-gallery",
                chance=expected[place],
                lift=recall / expected[place],
                queries=queries,
                patients=int(drawn.patients[place]),
                effective_patients=float(drawn.effective_patients[place]),
                coverage=queries / len(table),
                on_chance=bool(wide.low[place] - 1e-12 <= expected[place] <= wide.high[place] + 1e-12),
                queries_found=float(hit.sum()),
                patients_found=float(pools.at_least_one(hit, patient).sum()),
                refits=0,
            )
        )
    return rows


def _rank_rows(
    table: LinkageTable,
    chosen: Sequence[PoolSize],
    drawn: ClusterBootstrap,
    reciprocal: Sequence[Floats],
    resampling: Resampling,
    negatives: str,
) -> list[RankRow]:
    standing, estimates = table.standings[negatives], drawn.interval(resampling.interval)
    counts = (standing.eligible, standing.above, standing.ties)
    rows = []
    for place, pool in enumerate(chosen):
        ranks = pools.rank(*counts, sizes(standing, pool))
        if np.isnan(ranks).all():
            continue
        figures = RankFigures(
            mrr=float(estimates.mean[place]),
            median_rank=float(np.nanmedian(ranks)),
            mean_rank=float(np.nanmean(ranks)),
        )
        best, worst = (
            _untied(standing, above, sizes(standing, pool), reciprocal[place], figures)
            for above in (standing.above, standing.above + standing.ties)
        )
        rows.append(
            RankRow(
                direction=table.direction,
                negatives=negatives,
                pool=size(standing, pool),
                full=pool == FULL,
                mrr=figures.mrr,
                mrr_low=float(estimates.low[place]),
                mrr_high=float(estimates.high[place]),
                median_rank=figures.median_rank,
                mean_rank=figures.mean_rank,
                queries=int((~np.isnan(ranks)).sum()),
                optimistic=best,
                pessimistic=worst,
            )
        )
    return rows


def _untied(
    standing: Standing,
    above: NDArray[np.int64],
    pool: NDArray[np.int64],
    reciprocal: Floats,
    figures: RankFigures,
) -> RankFigures:
    """Give the figures with these counts above the mate and no ties."""
    tied = np.flatnonzero(standing.ties)
    if not len(tied):
        return figures
    none = np.zeros_like(above)
    ranks = pools.rank(standing.eligible, above, none, pool)
    reciprocal = reciprocal.copy()
    reciprocal[tied] = pools.reciprocal_rank(standing.eligible[tied], above[tied], none[tied], pool[tied])
    return RankFigures(
        mrr=float(np.nanmean(reciprocal)),
        median_rank=float(np.nanmedian(ranks)),
        mean_rank=float(np.nanmean(ranks)),
    )


def rank_distribution(table: LinkageTable, negatives: str = ALL, bins: int = 24) -> RankDistribution:
    """Count queries by their mate's expected rank as a share of what is eligible, in logarithmic bins."""
    standing = table.standings[negatives]
    relative = standing.expected_rank / standing.eligible
    least = 1 / float(standing.eligible.max())
    edges = np.geomspace(least, 1.0, bins + 1) if least < 1 else np.array([0.5, 1.0])
    counts = np.histogram(np.clip(relative, edges[0], edges[-1]), edges)[0]
    return RankDistribution(
        direction=table.direction,
        negatives=negatives,
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
    )
