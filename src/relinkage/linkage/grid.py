"""Which pools and ranks an audit has rows for: what was asked, as far as the gallery can bear it."""

from collections.abc import Sequence
from dataclasses import dataclass

from relinkage.errors import InputError
from relinkage.linkage.measures import Cell, size
from relinkage.linkage.settings import DEFAULT_POOLS, DEFAULT_RANKS, FULL, AuditSettings, PoolSize
from relinkage.linkage.strata import Level
from relinkage.linkage.table import Standing


@dataclass(frozen=True)
class Grid:
    """The rows of an audit over one kind of distractors.

    Attributes:
        cells: pool and rank of each row of the closed set.
        pools: the pools among them, for rows about ranks.
        curve: further cells, for figures: pools of 2, 5, 10, 20, … up to everything.
        dropped: one sentence for each thing asked for that the gallery cannot bear.
        largest: eligible candidates of a query, at most.
    """

    cells: tuple[Cell, ...]
    pools: tuple[PoolSize, ...]
    curve: tuple[Cell, ...]
    dropped: tuple[str, ...]
    largest: int


def grid(standing: Standing, settings: AuditSettings) -> Grid:
    """Lay out the rows over all distractors.

    Raises:
        InputError: no pool fits, or a rank that was asked for is larger than every pool.
    """
    largest, least = int(standing.eligible.max()), int(standing.eligible.min())
    asked = settings.pool or DEFAULT_POOLS
    too_large = [str(pool) for pool in asked if pool != FULL and int(pool) > largest]
    pools = [pool for pool in asked if str(pool) not in too_large]
    if FULL in pools and largest == least:  # the same row would stand twice
        pools = [pool for pool in pools if pool != largest]
    if not pools:
        raise InputError(
            f"--pool {','.join(too_large)} is larger than the {largest} eligible candidates; "
            "give smaller sizes, or full."
        )
    ks = sorted(set(settings.k or DEFAULT_RANKS))
    top = max(size(standing, pool) for pool in pools)
    if settings.k and ks[-1] > top:
        raise InputError(f"--k {ks[-1]} is larger than the largest pool, {top}; give smaller ranks.")
    dropped = []
    if too_large:
        dropped.append(
            f"Pools of {', '.join(too_large)} are larger than the {largest} eligible candidates and left out."
        )
    fits = {(pool, k): k <= size(standing, pool) for pool in pools for k in ks}
    if not all(fits.values()):
        left = [
            f"Recall@{k} in pools of {size(standing, pool)}" for (pool, k), fit in fits.items() if not fit
        ]
        dropped.append(f"Left out, as K is larger than the pool: {', '.join(left)}.")
    return Grid(
        tuple(Cell(pool, k) for (pool, k), fit in fits.items() if fit),
        tuple(pools),
        _curve(least, ks, size(standing, FULL)),
        tuple(dropped),
        largest,
    )


def hard_grid(standing: Standing, settings: AuditSettings) -> Grid:
    """Lay out the rows inside strata: what no stratum can bear is left out (`said_of_strata`).

    The curve is that of the first K, at pools of 10, 100, …: figures show no other inside strata.
    """
    largest = int(standing.eligible.max())
    asked = settings.pool or (10, *DEFAULT_POOLS)
    pools = [pool for pool in asked if pool == FULL or int(pool) <= largest] if largest > 1 else []
    ks = sorted(set(settings.k or DEFAULT_RANKS))
    cells = tuple(Cell(pool, k) for pool in pools for k in ks if k <= size(standing, pool))
    curve = _curve(largest, ks[:1], size(standing, FULL), steps=(1,)) if pools else ()
    return Grid(cells, tuple(pools), curve, (), largest)


def said_of_strata(
    levels: Sequence[Level], directions: Sequence[Sequence[Grid]], settings: AuditSettings
) -> list[str]:
    """Say which of the pools that were asked for no stratum holds, and which levels have no row at all.

    Args:
        levels: the kinds of hard negatives.
        directions: the rows of each kind, for every direction.
        settings: what was asked for.

    Raises:
        InputError: pools were asked for, and no kind of hard negatives has a row.
    """
    said = []
    for place, level in enumerate(levels):
        held = {cell.pool for grids in directions for cell in grids[place].cells}
        largest = max(grids[place].largest for grids in directions)
        if largest < 2:
            said.append(
                f"{level.name}: no query has a distractor that shares its values, so there is no row."
            )
        elif gone := [str(pool) for pool in settings.pool or () if pool not in held]:
            rest = "" if held else ", and so there is no row"
            said.append(
                f"{level.name}: the largest stratum has {largest} candidates, so it has no pool of "
                f"{' or '.join(gone)}{rest}."
            )
    if levels and settings.pool and not any(cells.cells for grids in directions for cells in grids):
        raise InputError(
            f"--pool {','.join(str(pool) for pool in settings.pool)} leaves no row for hard negatives "
            f"({' '.join(said)}) Give smaller sizes, or full."
        )
    return said


def _curve(below: int, ks: list[int], full: int, steps: tuple[int, ...] = (1, 2, 5)) -> tuple[Cell, ...]:
    sizes = (m * 10**e for e in range(10) for m in steps)
    pools: list[PoolSize] = [*(n for n in sizes if 2 <= n < below), FULL]
    return tuple(Cell(pool, k) for pool in pools for k in ks if k <= (full if pool == FULL else int(pool)))
