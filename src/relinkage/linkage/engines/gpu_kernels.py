"""Triton kernels: count what half precision can decide, list what it cannot, settle the list in float64.

A similarity is held as its distance from the mate's score, so that its sign says which is higher, and its
size whether half precision may say so (`gpu_sides` proves the width of the band). Three kernels, one after
the other, work on rows and columns that lie on the device:

1. `count_tiles` multiplies tile by tile on the matrix units and keeps the distances in registers. Where a row
   of a tile has none inside its band, those above it are counted. Where it has one, the row is left out of
   this tile and a flag is stored. One byte a row and tile is all that reaches memory.
2. `list_tiles` multiplies the flagged rows of each tile again, counts what lies above the band and what
   equals the mate, and lists the other pairs inside the band. So one product alone judges a pair, and
   nothing rests on two products being equal.
3. `settle` works out the listed pairs as `scores.dot` does: float64, one term after the other.

Counts are per level, that of all columns first. A tile that lies partly in a row's stratum is left to
`list_tiles`. Rows and columns are padded to whole tiles: the rows beyond the last are never counted, the
columns beyond the last lie infinitely far below.

This file is imported only where the engine is used: it needs triton.
"""

import triton
import triton.language as tl


@triton.jit
def _rows_of(pointer, row, first, WIDTH: tl.constexpr, DEPTH: tl.constexpr):
    """Load a piece of some rows: (rows, DEPTH)."""
    return tl.load(pointer + row[:, None] * WIDTH + (first + tl.arange(0, DEPTH))[None, :])


@triton.jit
def _columns_of(pointer, column, first, WIDTH: tl.constexpr, DEPTH: tl.constexpr):
    """Load a piece of some columns, turned: (DEPTH, columns)."""
    return tl.load(pointer + column[None, :] * WIDTH + (first + tl.arange(0, DEPTH))[:, None])


@triton.jit
def _add_products(total, a, row, b, column, WIDTH: tl.constexpr, DEPTH: tl.constexpr):
    """Add rows times columns, half precision in, single precision out: (rows, columns)."""
    for first in range(0, WIDTH, DEPTH):
        left, right = _rows_of(a, row, first, WIDTH, DEPTH), _columns_of(b, column, first, WIDTH, DEPTH)
        total = tl.dot(left, right, total)
    return total


@triton.jit
def multiply(a, b, out, WIDTH: tl.constexpr, DEPTH: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Store one tile of products: what the device is checked with."""
    row, column = tl.arange(0, ROWS), tl.arange(0, COLUMNS)
    value = _add_products(tl.zeros((ROWS, COLUMNS), tl.float32), a, row, b, column, WIDTH, DEPTH)
    tl.store(out + row[:, None] * COLUMNS + column[None, :], value)


@triton.jit(do_not_specialize=["first_row", "rows", "all_rows", "columns"])
def count_tiles(
    a,
    b,
    shift,
    threshold,
    width,
    extents,
    above,
    flags,
    first_row,
    rows,
    all_rows,
    columns,
    LEVELS: tl.constexpr,
    WIDTH: tl.constexpr,
    DEPTH: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    TILES: tl.constexpr,
):
    """Count the columns clearly above each row's mate; a program takes ROWS rows and TILES tiles.

    Args:
        a: float16 (padded rows, WIDTH), scaled rows.
        b: float16 (padded columns, WIDTH), scaled columns.
        shift: float32 (padded columns), added to a column's products.
        threshold: float32 (padded rows), taken from a row's products.
        width: float32 (padded rows), half the width of each row's band.
        extents: int32 (LEVELS, row blocks, 4): the least start and the greatest end of a stratum among a
            block of ROWS rows, and the greatest start and the least end.
        above: int32 (LEVELS + 1, all_rows), added to.
        flags: int8 (tiles, rows), set to 1 where `list_tiles` has to count.
        first_row: the first row of this launch, a multiple of ROWS.
        rows: how many rows this launch takes.
        all_rows: how many there are on the device.
        columns: how many columns there are on the device.
        LEVELS: strata a row, that of all columns not counted.
        WIDTH: padded dimensions.
        DEPTH: dimensions a step; where it equals WIDTH the rows are loaded once.
        ROWS: rows a tile.
        COLUMNS: columns a tile.
        TILES: tiles a program.
    """
    blocks = tl.cdiv(rows, ROWS)
    block = tl.program_id(0) % blocks
    group = tl.program_id(0) // blocks
    local = block * ROWS + tl.arange(0, ROWS)
    real = local < rows
    row = first_row + local
    row_threshold, row_width = tl.load(threshold + row), tl.load(width + row)
    counted = tl.zeros((ROWS,), tl.int32)
    if WIDTH == DEPTH:
        left = _rows_of(a, row, 0, WIDTH, DEPTH)
    for tile in range(group * TILES, tl.minimum((group + 1) * TILES, tl.cdiv(columns, COLUMNS))):
        column = tile * COLUMNS + tl.arange(0, COLUMNS)
        distance = tl.load(shift + column)[None, :] - row_threshold[:, None]
        if WIDTH == DEPTH:
            distance = tl.dot(left, _columns_of(b, column, 0, WIDTH, DEPTH), distance)
        else:
            distance = _add_products(distance, a, row, b, column, WIDTH, DEPTH)
        # A shift gives -1 for each number with a sign: one instruction where a comparison takes two.
        higher = COLUMNS + tl.sum(distance.to(tl.int32, bitcast=True) >> 31, axis=1)
        clear = tl.min(tl.abs(distance), axis=1) > row_width
        for level in tl.static_range(LEVELS):
            extent = extents + 4 * (level * tl.cdiv(all_rows, ROWS) + first_row // ROWS + block)
            if (tl.load(extent) < (tile + 1) * COLUMNS) & (tl.load(extent + 1) > tile * COLUMNS):
                whole = (tl.load(extent + 2) <= tile * COLUMNS) & (
                    tl.load(extent + 3) >= (tile + 1) * COLUMNS
                )
                clear = clear & whole
        for level in tl.static_range(LEVELS):
            extent = extents + 4 * (level * tl.cdiv(all_rows, ROWS) + first_row // ROWS + block)
            if (tl.load(extent) < (tile + 1) * COLUMNS) & (tl.load(extent + 1) > tile * COLUMNS):
                tl.atomic_add(above + (level + 1) * all_rows + row, higher, mask=real & clear)
        counted += tl.where(clear, higher, 0)
        tl.store(flags + tile * rows + local, tl.where(clear, 0, 1).to(tl.int8), mask=real)
    tl.atomic_add(above + row, counted, mask=real)


@triton.jit(do_not_specialize=["first", "last", "all_rows", "columns"])
def list_tiles(
    a,
    b,
    shift,
    threshold,
    width,
    b_identity,
    mate,
    mate_identity,
    starts,
    ends,
    above,
    ties,
    flagged,
    of_tile,
    first,
    last,
    length,
    pair_row,
    pair_column,
    all_rows,
    columns,
    LEVELS: tl.constexpr,
    WIDTH: tl.constexpr,
    DEPTH: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """Count the flagged rows of a tile and list their pairs inside the band; a program takes one tile.

    The mate counts nowhere, and what equals it ties.

    Args beyond those of `count_tiles`:
        b_identity: int64 (columns), equal for equal directions.
        mate: int64 (all_rows), the mate's column, -1 where it is none of these.
        mate_identity: int64 (all_rows), the mate's.
        starts: int32 (LEVELS, all_rows), first column of each row's stratum.
        ends: int32 (LEVELS, all_rows), one past its last.
        ties: int32 (LEVELS + 1, all_rows), added to.
        flagged: int32, the flagged rows of all tiles, tile after tile.
        of_tile: int32 (tiles + 1), where in `flagged` each tile begins.
        first: the first place in `flagged` that this launch takes.
        last: one past the last.
        length: int32 (1), the length of the list so far, added to. The list has room for all that
            this launch can find: COLUMNS pairs for each place.
        pair_row: int32, the rows of the listed pairs.
        pair_column: int32, their columns.
    """
    tile = tl.program_id(0)
    begin = tl.maximum(tl.load(of_tile + tile), first)
    stop = tl.minimum(tl.load(of_tile + tile + 1), last)
    column = tile * COLUMNS + tl.arange(0, COLUMNS)
    shifts = tl.load(shift + column)
    identity = tl.load(b_identity + column, mask=column < columns, other=0)
    for at in range(begin, stop, ROWS):
        place = at + tl.arange(0, ROWS)
        real = place < stop
        row = tl.load(flagged + place, mask=real, other=0)
        row_threshold, row_width = tl.load(threshold + row), tl.load(width + row)
        distance = _add_products(shifts[None, :] - row_threshold[:, None], a, row, b, column, WIDTH, DEPTH)
        pair = real[:, None] & (column < columns)[None, :]
        higher = pair & (distance > row_width[:, None])
        inside = pair & (tl.abs(distance) <= row_width[:, None])
        same = inside & (identity[None, :] == tl.load(mate_identity + row)[:, None])
        tied = same & (column[None, :] != tl.load(mate + row)[:, None])
        tl.atomic_add(above + row, tl.sum(higher.to(tl.int32), axis=1), mask=real)
        tl.atomic_add(ties + row, tl.sum(tied.to(tl.int32), axis=1), mask=real)
        for level in tl.static_range(LEVELS):
            start = tl.load(starts + level * all_rows + row)
            end = tl.load(ends + level * all_rows + row)
            mine = (column[None, :] >= start[:, None]) & (column[None, :] < end[:, None])
            to_level = (level + 1) * all_rows + row
            tl.atomic_add(above + to_level, tl.sum((higher & mine).to(tl.int32), axis=1), mask=real)
            tl.atomic_add(ties + to_level, tl.sum((tied & mine).to(tl.int32), axis=1), mask=real)
        unsure = (inside & (same == 0)).to(tl.int32)
        of_row = tl.sum(unsure, axis=1)
        base = tl.atomic_add(length, tl.sum(of_row, axis=0))
        to = base + (tl.cumsum(of_row, axis=0) - of_row)[:, None] + tl.cumsum(unsure, axis=1) - 1
        none = tl.zeros((ROWS, COLUMNS), tl.int32)
        tl.store(pair_row + to, row[:, None] + none, mask=unsure > 0)
        tl.store(pair_column + to, column[None, :] + none, mask=unsure > 0)


@triton.jit(do_not_specialize=["all_rows", "d"])
def settle(
    pair_row,
    pair_column,
    length,
    a,
    a_inverse,
    b,
    b_inverse,
    tie_from,
    tie_to,
    starts,
    ends,
    above,
    ties,
    all_rows,
    d,
    LEVELS: tl.constexpr,
    PAIRS: tl.constexpr,
):
    """Decide the listed pairs as `scores` does.

    Launched without fused multiply-add, so that the sum has the bits of `scores.dot`.

    Args beyond those of the other kernels:
        a: float32 or float64 (all_rows, d), the rows as given.
        a_inverse: float64 (all_rows), their inverse norms.
        b: the columns as given.
        b_inverse: their inverse norms.
        tie_from: float64 (all_rows), the least score that ties.
        tie_to: float64 (all_rows), the greatest.
        d: dimensions as given.
        PAIRS: pairs a step.
    """
    pairs = tl.load(length)
    for at in range(tl.program_id(0) * PAIRS, pairs, tl.num_programs(0) * PAIRS):
        place = at + tl.arange(0, PAIRS)
        real = place < pairs
        row = tl.load(pair_row + place, mask=real, other=0)
        column = tl.load(pair_column + place, mask=real, other=0)
        left, right = a + row.to(tl.int64) * d, b + column.to(tl.int64) * d
        total = tl.zeros((PAIRS,), tl.float64)
        for k in range(d):
            total += tl.load(left + k).to(tl.float64) * tl.load(right + k).to(tl.float64)
        score = total * (tl.load(a_inverse + row) * tl.load(b_inverse + column))
        higher = real & (score > tl.load(tie_to + row))
        tied = real & (higher == 0) & (score >= tl.load(tie_from + row))
        for level in tl.static_range(LEVELS + 1):
            within = real
            if level > 0:
                start = tl.load(starts + (level - 1) * all_rows + row)
                end = tl.load(ends + (level - 1) * all_rows + row)
                within = (column >= start) & (column < end)
            one = tl.full((PAIRS,), 1, tl.int32)
            tl.atomic_add(above + level * all_rows + row, one, mask=higher & within)
            tl.atomic_add(ties + level * all_rows + row, one, mask=tied & within)
