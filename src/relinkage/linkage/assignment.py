"""Optimal assignment: every study gets one report of its own, so that all scores add up to most.

It uses that each report belongs to one study, as an attacker may. What it gives is no ranking: the dual
prices tie the assigned report with another in nearly every row, so pairs that are matched are counted, over
all that is attacked.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment

from relinkage.linkage.links import Links
from relinkage.linkage.rows import AssignmentRow
from relinkage.linkage.settings import Resampling
from relinkage.linkage.uncertainty import ClusterBootstrap
from relinkage.linkage.vectors import Vectors

LARGEST = 10_000
"""Studies or candidates, at most: all scores are held in memory, and time grows with the third power."""


def assignment_row(
    images: Vectors, candidates: Vectors, links: Links, resampling: Resampling
) -> AssignmentRow | None:
    """Match studies and candidates one to one and count the mates among the pairs.

    Args:
        images: the image vectors; those of a study are added up at length 1.
        candidates: the candidates' vectors.
        links: who belongs to whom.
        resampling: how the interval is made.

    Returns:
        The row; None where there are more than 10,000 on a side.
    """
    mates, study = np.unique(links.mate, return_inverse=True)
    if max(len(mates), len(candidates)) > LARGEST:
        return None
    sums = np.zeros((len(mates), images.dimension))
    np.add.at(sums, study, images.unit())
    rows, columns = linear_sum_assignment(sums @ candidates.unit().T, maximize=True)
    matched = np.zeros(len(mates))
    matched[rows] = columns == mates[rows]
    patient = links.patient[np.unique(study, return_index=True)[1]]
    estimate = ClusterBootstrap.draw(
        matched[:, None], patient, resampling.replicates, resampling.seed
    ).interval(resampling.interval)
    return AssignmentRow(
        studies=len(mates),
        candidates=len(candidates),
        matched=int(matched.sum()),
        share=float(estimate.mean[0]),
        low=float(estimate.low[0]),
        high=float(estimate.high[0]),
        chance=1 / len(candidates),
        patients=len(np.unique(patient)),
    )
