"""The entropy of the match: how far one candidate stands out of all, whether or not it is the right one."""

import numpy as np

from relinkage.linkage.rows import EntropyQuantile, EntropyRow
from relinkage.linkage.score_rows import ScoreRows
from relinkage.linkage.settings import Resampling
from relinkage.linkage.uncertainty import ClusterBootstrap
from relinkage.linkage.ways import Way

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def entropy_row(way: Way, rows: ScoreRows, temperature: float, resampling: Resampling) -> EntropyRow:
    """Say how evenly the softmax of a query's cosines spreads over all its eligible candidates.

    H / log M with H = −Σ p log p and p = softmax(cosine / temperature) over M candidates: 1 where nothing
    stands out, 0 where one candidate takes all.

    Args:
        way: the direction.
        rows: the queries that are looked at.
        temperature: of the softmax.
        resampling: how the interval is made.
    """
    patient = way.table.patient[rows.query]
    drawn = ClusterBootstrap.draw(
        rows.entropy[:, None], patient, resampling.replicates, resampling.seed
    ).interval(resampling.interval)
    return EntropyRow(
        direction=way.table.direction,
        temperature=temperature,
        candidates=int(rows.distractors.max()) + 1,
        entropy=float(drawn.mean[0]),
        low=float(drawn.low[0]),
        high=float(drawn.high[0]),
        median=float(np.median(rows.entropy)),
        quantiles=tuple(
            EntropyQuantile(share=share, entropy=float(value))
            for share, value in zip(QUANTILES, np.quantile(rows.entropy, QUANTILES), strict=True)
        ),
        queries=len(rows.query),
        patients=len(np.unique(patient)),
        sampled=len(rows.query) < len(way.table),
    )
