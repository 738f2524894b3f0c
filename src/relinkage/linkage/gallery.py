"""How far recall could move with other candidates too: intervals for patients and gallery.

Over pools of N out of M eligible candidates, recall is a mean over sets of N − 1 distractors, a U-statistic
of them. To first order (Hoeffding's projection) a distractor j moves the recall R of a query by

    (N − 1) / (M − 1) · (P(hit | j in the pool) − R),

which has one of three values, by whether j scores above the mate, ties with it, or scores below. Their sums
over queries say how much each candidate moves the mean; added to what the queries of its patient do, they
give the variance of the mean where patients bring both (two-way clustering, linearised). The interval of
patients alone is widened by the ratio of the two standard errors, and never narrowed.

The full pool holds all candidates, so none of them can be said to be drawn into it: it is left as it is.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage import pools
from relinkage.linkage.links import Links
from relinkage.linkage.measures import Cell, by_pool, recalls, sizes
from relinkage.linkage.score_rows import NO_DISTRACTOR
from relinkage.linkage.scores_and_ties import TIE
from relinkage.linkage.settings import FULL
from relinkage.linkage.strips import Strip, in_strips
from relinkage.linkage.table import ALL, Standing
from relinkage.linkage.ways import Way
from relinkage.threads import one_thread_each

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_COLUMNS, _ROWS = 512, 1024
"""Candidates and queries of a tile: 4 MB of scores."""


def gallery_widening(way: Way, links: Links, cells: Sequence[Cell]) -> Floats:
    """Return by how much intervals widen where candidates vary with the patients, at the cost of one pass.

    Args:
        way: the direction, over all distractors.
        links: who belongs to whom.
        cells: pools and ranks.

    Returns:
        float64, shape (cells,): at least 1; NaN for the full pool, of which it cannot be said.
    """
    values = recalls(way.table.standings[ALL], cells)
    moves = candidate_moves(way, cells)
    owner = links.candidate_patient if way.table.direction == "image-to-report" else links.patient
    owner = np.where(owner < 0, links.patient.max() + 1 + np.arange(len(owner)), owner)
    which = np.unique(np.concatenate([way.table.patient, owner]), return_inverse=True)[1].ravel()
    asks, asked = which[: len(values)], which[len(values) :]
    out = np.full(len(cells), np.nan)
    for place, cell in enumerate(cells):
        seen = ~np.isnan(values[:, place])
        if cell.pool == FULL or not seen.any():
            continue
        away = np.where(seen, values[:, place] - values[seen, place].mean(), 0) / seen.sum()
        of_queries = np.bincount(asks, away, which.max() + 1)
        both = of_queries + np.bincount(asked, moves[:, place], which.max() + 1)
        alone = float((of_queries**2).sum())
        out[place] = max(float((both**2).sum()) / alone, 1.0) ** 0.5 if alone > 0 else 1.0
    return out


def candidate_moves(way: Way, cells: Sequence[Cell]) -> Floats:
    """Return how far each candidate moves the mean recall, as a distractor of all queries, to first order.

    Args:
        way: the direction, over all distractors.
        cells: pools and ranks; those of the full pool move nothing.

    Returns:
        float64, shape (candidates, cells): a mean over queries that have such a pool; columns add up to 0.
    """
    above, tied, below = _moves(way.table.standings[ALL], cells)
    barred = _barred(way)
    # A candidate counts as below everywhere it is a distractor, and what it does above and tied is added.
    out = np.tile(below.sum(axis=0), (len(way.candidates), 1))
    np.subtract.at(out, barred[0], below[barred[1]])
    looking = partial(_looking, way, barred, above - below, tied - below, out)
    with one_thread_each() as threads:
        in_strips(len(way.candidates), _COLUMNS, looking, threads, "candidates that vary")
    return out


def _moves(standing: Standing, cells: Sequence[Cell]) -> tuple[Floats, Floats, Floats]:
    """Give what a distractor above the mate, tied with it or below moves: each float64, shape (q, cells)."""
    eligible, b, t = standing.eligible, standing.above, standing.ties
    others = eligible - 1
    above, tied, below = (np.zeros((len(b), len(cells))) for _ in range(3))
    now = recalls(standing, cells)
    for pool, listed, ks in by_pool(cells):
        if pool == FULL:
            continue
        places = np.array(listed)
        drawn = sizes(standing, pool)
        has = np.flatnonzero((drawn <= eligible) & (b + t < others))
        left = (others[has], b[has], t[has], drawn[has] - 1)
        below[np.ix_(has, places)] = pools.recall_at(*left, ks) - now[np.ix_(has, places)]
        has = np.flatnonzero((drawn <= eligible) & (b > 0))
        left = (others[has], b[has] - 1, t[has], drawn[has] - 1)
        later = [k - 1 for k in ks if k > 1]
        hit = np.zeros((len(has), len(ks)))
        if later:
            hit[:, len(ks) - len(later) :] = pools.recall_at(*left, later)
        above[np.ix_(has, places)] = hit - now[np.ix_(has, places)]
        # All distractors of a query together move nothing, which says what is left for the tied.
        rest = b[:, None] * above[:, places] + (others - b - t)[:, None] * below[:, places]
        tied[:, places] = np.where(t[:, None] > 0, -rest / np.maximum(t, 1)[:, None], 0)
        seen = drawn <= eligible
        share = np.where(seen, (drawn - 1) / np.maximum(others, 1), 0) / max(int(seen.sum()), 1)
        for kind in (above, tied, below):
            kind[:, places] *= share[:, None]
    return above, tied, below


def _looking(way: Way, barred: tuple[Ints, Ints], above: Floats, tied: Floats, out: Floats) -> Strip:
    """Add what a strip of candidates does where it scores above the mates of queries, or ties with them."""

    def look(start: int, stop: int) -> None:
        asked = way.candidates[start:stop].unit()
        first, last = np.searchsorted(barred[0], [start, stop])
        column, row = barred[0][first:last] - start, barred[1][first:last]
        for begin in range(0, len(way.queries), _ROWS):
            end = min(begin + _ROWS, len(way.queries))
            gap = asked @ way.queries[begin:end].unit().T - way.table.mate_score[begin:end]
            inside = (begin <= row) & (row < end)
            gap[column[inside], row[inside] - begin] = NO_DISTRACTOR
            higher = gap > TIE
            out[start:stop] += higher @ above[begin:end]
            close = (gap >= -TIE) & ~higher
            if close.any():
                out[start:stop] += close @ tied[begin:end]

    return look


def _barred(way: Way) -> tuple[Ints, Ints]:
    """List (candidate, query) of what is not a distractor, the mates among it, once each, by candidate."""
    queries = len(way.queries)
    keys = [way.mate * queries + np.arange(queries)]
    if way.left_out is not None:
        keys.append(way.left_out[1] * queries + way.left_out[0])
    both = np.unique(np.concatenate(keys))
    return both // queries, both % queries
