"""Whether neighbours are alike, in the space and in the map of it: the figures that go with a map.

A map by t-SNE shows clusters even of noise, and the sizes of clusters and the gaps between them mean little
(Wattenberg, Viégas & Johnson, Distill 2016). How often neighbours are of one class can be counted in the
space itself, beside chance, and in the map; and how many neighbours the map kept says how far to trust it
(Kobak & Berens, Nature Communications 2019, "KNN").
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BLOCK = 512


def neighbours(points: Floats, k: int, group: Ints) -> Ints:
    """Find the nearest points of other groups, by Euclidean distance; equal distances by row.

    Args:
        points: float64, shape (n, d).
        k: how many; every point has as many of other groups.
        group: int64, shape (n,): points of one group are not each other's neighbours.

    Returns:
        int64, shape (n, k), the nearest first.
    """
    found = np.empty((len(points), k), np.int64)
    for start in range(0, len(points), _BLOCK):
        part = slice(start, start + _BLOCK)
        apart = cdist(points[part], points)
        apart[group[part, None] == group] = np.inf
        found[part] = np.argsort(apart, axis=1, kind="stable")[:, :k]
    return found


def alike(found: Ints, code: NDArray[np.int8]) -> Floats:
    """Give the share of each point's neighbours that are of its class: float64, shape (n,).

    Args:
        found: int64, shape (n, k).
        code: int8, shape (n,): a class each.
    """
    return (code[found] == code[:, None]).mean(axis=1)


def alike_by_chance(code: NDArray[np.int8], group: Ints) -> Floats:
    """Give what neighbours drawn at random from other groups would share: float64, shape (n,).

    Args:
        code: int8, shape (n,): a class each.
        group: int64, shape (n,).
    """
    _, which, sizes = np.unique(group, return_inverse=True, return_counts=True)
    same = np.empty(len(code))
    for value in np.unique(code):
        of_class = code == value
        inside = np.bincount(which, weights=of_class)
        same[of_class] = of_class.sum() - inside[which[of_class]]
    return same / (len(code) - sizes[which])


def kept(in_space: Ints, in_map: Ints) -> Floats:
    """Give the share of each point's neighbours in the space that are its neighbours in the map, too.

    Args:
        in_space: int64, shape (n, k).
        in_map: int64, shape (n, k).
    """
    return (in_space[:, :, None] == in_map[:, None, :]).any(axis=2).mean(axis=1)
