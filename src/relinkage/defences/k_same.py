"""k-same: groups of k patients share one vector, so that no vector says which of them it is."""

from dataclasses import dataclass
from math import lgamma

import numpy as np
from numpy.typing import NDArray

from relinkage.defences.protocol import Defence, Ints, Vectors

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class KSame(Defence):
    """Every image of a group of at least k patients is released as the mean of the group.

    Patients are grouped by nearest neighbours of their mean vectors, and all images of a patient are in one
    group: grouped image by image, a group can be one patient's alone. A group's mean gives every patient the
    same weight. Newton, Sweeney & Malin 2005 (of faces); groups as in Domingo-Ferrer & Mateo-Sanz 2002.

    What is promised, `k_same_bound`, is of vectors alone, of one release, and of the average patient.

    Examples:
        >>> import numpy as np
        >>> images = np.float32([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]])
        >>> KSame(2).released(images, np.arange(4)).round(2).tolist()[:2]
        [[0.949999988079071, 0.05000000074505806], [0.949999988079071, 0.05000000074505806]]

    Attributes:
        k: patients of a group, at least.
    """

    k: int
    name = "k-same"

    def transform(self, images: Vectors, patient: Ints) -> Vectors:
        """Return the mean of each image's group; see `Defence.transform`."""
        patients, number = np.unique(patient, return_inverse=True)
        means = np.zeros((len(patients), images.shape[1]))
        np.add.at(means, number, images.astype(np.float64))
        means /= np.bincount(number)[:, None]
        group = grouped(means, self.k)
        centres = np.zeros((group.max() + 1, images.shape[1]))
        np.add.at(centres, group, means)
        centres /= np.bincount(group)[:, None]
        return centres[group[number]].astype(np.float32)


def grouped(points: Floats, k: int) -> NDArray[np.int64]:
    """Return groups of near points: of k each, and of up to 2k − 1 in the last one.

    The point that lies farthest from the middle of those left is grouped with its k − 1 nearest, and so on.

    Args:
        points: float64, shape (points, d).
        k: points of a group, at least 1; one group holds all where there are fewer than 2k.

    Returns:
        int64, shape (points,): the group of each.
    """
    group = np.zeros(len(points), np.int64)
    left, groups = np.arange(len(points)), 0
    while len(left) >= 2 * k:
        inside = points[left]
        farthest = np.square(inside - inside.mean(axis=0)).sum(axis=1).argmax()
        near = np.square(inside - inside[farthest]).sum(axis=1)
        near[farthest] = -1  # itself first, whatever lies at the same place
        together = np.argpartition(near, k - 1)[:k]
        group[left[together]] = groups
        left, groups = np.delete(left, together), groups + 1
    group[left] = groups
    return group


def k_same_bound(k: int, candidates: int, pool: int) -> float:
    """Return the most that any attacker's Recall@1 can be over patients, against vectors of groups of k.

    All patients of a group bring the same query, so their mates have k different places in one order of the
    candidates: at best the first k. A place j (from 0) is first in a pool of N with probability
    C(M − 1 − j, N − 1) / C(M − 1, N − 1); the bound is their mean: 1 / k in the full gallery, and more in
    smaller pools, which seldom hold another of the group.

    Args:
        k: patients of a group.
        candidates: M, of the gallery, one a patient.
        pool: N, the mate among them.

    Returns:
        The bound, from 1 / k to 1.

    Examples:
        >>> round(k_same_bound(10, 10_000, 100), 3), k_same_bound(10, 10_000, 10_000)
        (0.957, 0.1)
    """
    others, drawn = candidates - 1, pool - 1

    def log_ways(of: int) -> float:
        return lgamma(of + 1) - lgamma(drawn + 1) - lgamma(of - drawn + 1)

    first = [np.exp(log_ways(others - j) - log_ways(others)) for j in range(k) if others - j >= drawn]
    return min(1.0, float(sum(first)) / k)
