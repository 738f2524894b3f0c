"""Images that an attacker knows to belong together, added up."""

import numpy as np

from relinkage.attackers.settings import Together
from relinkage.embeddings import Embeddings
from relinkage.linkage.vectors import Vectors
from relinkage.studies.auditing import Sides
from relinkage.studies.opening import links_of


def summed(scored: Sides, embeddings: Embeddings, together: Together) -> Sides:
    """Return vectors of which each image has the sum of the unit vectors of its group.

    A report's score with several images is the sum of its scores with each, up to the length of the sum,
    which is one number a query.

    Args:
        scored: a vector per image and per distinct report.
        embeddings: the pairs that they are of.
        together: what belongs together.
    """
    if together == "image":
        return scored
    links = links_of(embeddings)[0]
    group = np.unique(links.study if together == "study" else links.patient, return_inverse=True)[1].ravel()
    unit = Vectors.prepare(scored[0], "images").unit()
    sums = np.zeros((int(group.max()) + 1, unit.shape[1]))
    np.add.at(sums, group, unit)
    return sums[group], scored[1]
