"""What a score is: a cosine in float64, and when two of them tie.

The score of vectors a and b is the float64 dot product of both as given times the product of their inverse
norms: the same number whichever of the two asks, and whoever works it out.
"""

import numpy as np

from relinkage.compiled import compiled

TIE = 2.0**-40
"""Cosines that differ by at most this much tie."""


@compiled
def dot(a, i, b, j):
    """Float64 dot product of row i of `a` and row j of `b`."""
    total = 0.0
    for k in range(a.shape[1]):
        total += np.float64(a[i, k]) * np.float64(b[j, k])
    return total


@compiled
def paired_cosines(a, a_inverse, rows, b, b_inverse, columns):
    """Float64 cosines of row rows[n] of `a` and row columns[n] of `b`."""
    out = np.empty(len(rows), np.float64)
    for n in range(len(rows)):
        i, j = rows[n], columns[n]
        out[n] = dot(a, i, b, j) * (a_inverse[i] * b_inverse[j])
    return out


@compiled(inline="always")
def compare(score, mate_score):
    """Give 1 above the mate, 0 tied with it, -1 below."""
    if score > mate_score + TIE:
        return 1
    return 0 if score >= mate_score - TIE else -1


@compiled
def depth_of(starts, ends, i, column):
    """Give how many of row i's nested strata hold a column."""
    depth = 0
    for level in range(starts.shape[0]):
        if starts[level, i] <= column < ends[level, i]:
            depth += 1
    return depth


@compiled
def count_pairs(
    rows, columns, score, place, starts, ends, identity, mate_identity, mate_score, listed, above, ties
):  # fmt: skip
    """Count single pairs of a query and a distractor: all that are listed, those above, those tied.

    Args:
        rows: int64, the pairs' queries.
        columns: int64, the pairs' candidates, never a query's own mate.
        score: float64, the pairs' cosines.
        place: int64, where a candidate stands among the sorted columns that `starts` and `ends` speak of.
        starts: int64 (levels, queries): first column of the query's stratum.
        ends: int64 (levels, queries): one past the last.
        identity: int64, every candidate's: equal for equal directions.
        mate_identity: int64, that of every query's mate.
        mate_score: float64, every query's.
        listed: int64 (depths, queries), added to.
        above: int64 (depths, queries), added to.
        ties: int64 (depths, queries), added to.
    """
    for n in range(len(rows)):
        i, j = rows[n], columns[n]
        depth = depth_of(starts, ends, i, place[j])
        listed[depth, i] += 1
        order = 0 if identity[j] == mate_identity[i] else compare(score[n], mate_score[i])
        if order > 0:
            above[depth, i] += 1
        elif order == 0:
            ties[depth, i] += 1
