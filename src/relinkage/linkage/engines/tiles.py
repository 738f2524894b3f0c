"""Compiled loops over a tile of similarities: count what is clear, settle what is close in float64.

A tile holds single-precision products of centred vectors. Whatever lies outside a band around the mate's
score is decided by it, whatever lies inside is settled as `scores` defines it. `bands` proves the width of
the band.

Columns are sorted so that every stratum of a row is a run of columns, and finer strata are runs inside
coarser ones. So a row cuts the tile into at most a few segments, each `depth` levels deep, and counts are
kept per depth: those of a level are the sum over the depths from it on.
"""

import numpy as np

from relinkage.compiled import compiled
from relinkage.linkage.scores_and_ties import TIE, compare, depth_of, dot


@compiled
def count_rows(
    tile,
    first_row,
    first_column,
    column_shift,
    low,
    high,
    starts,
    ends,
    a,
    a_inverse,
    b,
    b_inverse,
    b_identity,
    mate,
    mate_identity,
    mate_score,
    above,
    ties,
):
    """Count, for every row of a tile, the columns above its mate and those tied with it, per depth.

    Args:
        tile: float32 (rows, columns), products of centred vectors.
        first_row: the first row's number among all rows.
        first_column: the first column's number among all columns.
        column_shift: float32, all columns: what is added to a column's products.
        low: float32, all rows: below this, decided as below the mate.
        high: float32, all rows: above this, decided as above the mate.
        starts: int64 (levels, all rows): first column of the row's stratum.
        ends: int64 (levels, all rows): one past the last.
        a: the row vectors as given.
        a_inverse: their inverse norms.
        b: the column vectors as given.
        b_inverse: their inverse norms.
        b_identity: equal for equal directions.
        mate: int64, all rows: the mate's column, -1 where it is none of these.
        mate_identity: int64, all rows: the mate's.
        mate_score: float64, all rows.
        above: int64 (depths, all rows), added to.
        ties: int64 (depths, all rows), added to.
    """
    rows, columns = tile.shape
    levels = starts.shape[0]
    cuts = np.empty(2 * levels + 2, np.int64)
    for r in range(rows):
        i = first_row + r
        row_low, row_high = low[i], high[i]
        segments = _cut(starts, ends, i, first_column, columns, cuts)
        for s in range(segments):
            begin, end = cuts[s], cuts[s + 1]
            line, shifts = tile[r, begin:end], column_shift[first_column + begin : first_column + end]
            counted, reached = _tally(line, shifts, row_low, row_high)
            if reached == 0:
                continue
            depth = depth_of(starts, ends, i, first_column + begin)
            above[depth, i] += counted
            if reached > counted:
                tied, higher = _settle(
                    tile[r, begin:end], column_shift[first_column + begin : first_column + end],
                    row_low, row_high, i, first_column + begin,
                    a, a_inverse, b, b_inverse, b_identity, mate[i], mate_identity[i], mate_score[i],
                )  # fmt: skip
                ties[depth, i] += tied
                above[depth, i] += higher


@compiled
def count_rows_and_columns(
    tile,
    first_row,
    first_column,
    column_shift,
    low,
    high,
    starts,
    ends,
    a,
    a_inverse,
    b,
    b_inverse,
    b_identity,
    mate,
    mate_identity,
    mate_score,
    above,
    ties,
    row_shift,
    column_low,
    column_high,
    a_identity,
    column_mate,
    column_mate_identity,
    column_mate_score,
    column_above,
    column_ties,
):
    """Do what `count_rows` does and, from the same tile, the same for every column over the rows.

    The further arguments mirror the first; `column_low` is +infinity for columns that are not queries. A row
    lies in the stratum of a column where the column lies in the stratum of the row.
    """
    rows, columns = tile.shape
    levels = starts.shape[0]
    cuts = np.empty(2 * levels + 2, np.int64)
    for r in range(rows):
        i = first_row + r
        segments = _cut(starts, ends, i, first_column, columns, cuts)
        shift = row_shift[i]
        row_low, row_high = low[i], high[i]
        for s in range(segments):
            begin, end = cuts[s], cuts[s + 1]
            depth = depth_of(starts, ends, i, first_column + begin)
            first, last = first_column + begin, first_column + end
            counted, reached, open_columns = _tally_both(
                tile[r, begin:end], column_shift[first:last], row_low, row_high,
                shift, column_low[first:last], column_high[first:last], column_above[depth, first:last],
            )  # fmt: skip
            above[depth, i] += counted
            if reached > counted:
                tied, higher = _settle(
                    tile[r, begin:end], column_shift[first_column + begin : first_column + end],
                    row_low, row_high, i, first_column + begin,
                    a, a_inverse, b, b_inverse, b_identity, mate[i], mate_identity[i], mate_score[i],
                )  # fmt: skip
                ties[depth, i] += tied
                above[depth, i] += higher
            if open_columns > 0:
                left_open = np.empty(end - begin, np.int32)
                found = _list_open_columns(
                    tile[r, begin:end], shift, column_low[first:last], column_high[first:last], left_open
                )
                for n in range(found):
                    _settle_one(
                        first + left_open[n], i, depth, b, b_inverse, a, a_inverse, a_identity, column_mate,
                        column_mate_identity, column_mate_score, column_above, column_ties,
                    )  # fmt: skip


@compiled
def _tally(line, shifts, low, high):
    """Count the values above `high` and those from `low` on. Slices from zero on let the loop vectorise.

    Sums are cut back to 32 bits at every step, as numba would carry 64 and count half as many at a time.
    """
    counted = np.int32(0)
    reached = np.int32(0)
    for c in range(len(line)):
        value = line[c] + shifts[c]
        counted = np.int32(counted + np.int32(value > high))
        reached = np.int32(reached + np.int32(value >= low))
    return counted, reached


@compiled
def _tally_both(line, shifts, low, high, shift, lows, highs, above):
    """Do what `_tally` does, add to `above` for every column, and count the columns left open."""
    counted = np.int32(0)
    reached = np.int32(0)
    left_open = np.int32(0)
    for c in range(len(line)):
        value = line[c] + shifts[c]
        counted = np.int32(counted + np.int32(value > high))
        reached = np.int32(reached + np.int32(value >= low))
        value = line[c] + shift
        higher = np.int32(value > highs[c])
        above[c] += higher
        left_open = np.int32(left_open + np.int32(value >= lows[c]) - higher)
    return counted, reached, left_open


@compiled
def _settle(
    line, shifts, low, high, i, first, a, a_inverse, b, b_inverse, b_identity, mate, own, mate_score
):  # fmt: skip
    """Decide what a row left open in float64: give the ties and the columns above. The mate is neither."""
    left_open = np.empty(len(line), np.int32)
    found = _list_open(line, shifts, low, high, left_open)
    tied = 0
    higher = 0
    for n in range(found):
        j = first + left_open[n]
        if b_identity[j] == own:
            tied += j != mate
            continue
        order = against_mate(a, i, b, j, a_inverse[i] * b_inverse[j], mate_score)
        tied += order == 0
        higher += order > 0
    return tied, higher


@compiled
def _list_open(line, shifts, low, high, left_open):
    """List the columns inside the band and give how many; without a branch, as none could be foretold."""
    found = 0
    for c in range(len(line)):
        value = line[c] + shifts[c]
        left_open[found] = c
        found += (value >= low) & (value <= high)
    return found


@compiled
def _list_open_columns(line, shift, lows, highs, left_open):
    """List the columns whose own band the row's score lies in and give how many."""
    found = 0
    for c in range(len(line)):
        value = line[c] + shift
        left_open[found] = c
        found += (value >= lows[c]) & (value <= highs[c])
    return found


@compiled(fastmath={"reassoc", "contract"})
def _quick_dot(a, i, b, j):
    """What `dot` gives but for the last digits: the order of summation is the compiler's."""
    total = 0.0
    for k in range(a.shape[1]):
        total += np.float64(a[i, k]) * np.float64(b[j, k])
    return total


@compiled
def against_mate(a, i, b, j, inverse, mate_score):
    """Compare a score with the mate's as `compare` does.

    A sum in any order is within (d + 1) 2⁻⁵³ of the true cosine (Higham 2002, section 3.1), so the quick one
    decides unless it lies within twice that, and some more, of the edge of a tie.
    """
    slack = 8.0 * (a.shape[1] + 8) * 2.0**-53
    score = _quick_dot(a, i, b, j) * inverse
    if abs(score - (mate_score + TIE)) < slack or abs(score - (mate_score - TIE)) < slack:
        score = dot(a, i, b, j) * inverse
    return compare(score, mate_score)


@compiled
def _settle_one(
    i, j, depth, a, a_inverse, b, b_inverse, b_identity, mate, mate_identity, mate_score, above, ties
):  # fmt: skip
    """Decide one comparison in float64; the mate itself is not a distractor."""
    if j == mate[i]:
        return
    order = 0
    if b_identity[j] != mate_identity[i]:
        order = against_mate(a, i, b, j, a_inverse[i] * b_inverse[j], mate_score[i])
    ties[depth, i] += order == 0
    above[depth, i] += order > 0


@compiled
def _cut(starts, ends, i, first_column, columns, cuts):
    """Cut a tile's columns where a stratum of row i begins or ends; give the number of segments."""
    cuts[0] = 0
    count = 1
    for level in range(starts.shape[0]):  # from coarse to fine, so the starts ascend
        at = starts[level, i] - first_column
        if cuts[count - 1] < at < columns:
            cuts[count] = at
            count += 1
    for level in range(starts.shape[0] - 1, -1, -1):  # from fine to coarse, so the ends ascend
        at = ends[level, i] - first_column
        if cuts[count - 1] < at < columns:
            cuts[count] = at
            count += 1
    cuts[count] = columns
    return count
