"""Whether neighbours are alike, in the space and in the map of it: the figures that go with a map.

A map by t-SNE shows clusters even of noise, and the sizes of clusters and the gaps between them mean little
(Wattenberg, Viégas & Johnson, Distill 2016). How often neighbours are of one class can be counted in the
space itself, beside chance, and in the map; and how many neighbours the map kept says how far to trust it
(Kobak & Berens, Nature Communications 2019, "KNN").

Template reports are one vector, so more points tie for the last places among the K nearest than there are.
Every figure is its expectation over all orders of the points: it does not depend on the order of rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from relinkage.linkage.scores_and_ties import TIE

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_BLOCK = 512


@dataclass(frozen=True, eq=False)
class Nearest:
    """Who is among the nearest of some points, and who ties for the places that are left.

    Attributes:
        sure: bool, shape (rows, n): nearer than those that tie.
        tied: bool, shape (rows, n): as near as the last of the nearest.
        places: int64, shape (rows,): how many of the tied are among the nearest, at least one.
    """

    sure: Bools
    tied: Bools
    places: Ints

    @property
    def probability(self) -> Floats:
        """Return how probably each point is among the nearest: float64, shape (rows, n)."""
        return self.sure + self.tied * (self.places / self.tied.sum(axis=1))[:, None]


def alike(points: Floats, k: int, group: Ints, code: NDArray[np.int8]) -> Floats:
    """Return the expected share of each point's nearest that are of its class: float64, shape (n,).

    Args:
        points: float64, shape (n, d).
        k: how many are nearest; every point has as many of other groups.
        group: int64, shape (n,): points of one group are not each other's neighbours.
        code: int8, shape (n,): a class each.
    """
    out = np.empty(len(points))
    for part, found in _in_blocks(points, k, group):
        out[part] = (found.probability * (code[part, None] == code)).sum(axis=1) / k
    return out


def alike_by_chance(code: NDArray[np.int8], group: Ints) -> Floats:
    """Return what neighbours drawn at random from other groups would share: float64, shape (n,).

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


def kept(space: Floats, in_map: Floats, k: int, group: Ints) -> Floats:
    """Return the expected share of each point's nearest in the space that are nearest in the map, too.

    Points that tie in both come in one order in both, so a map that is the space keeps everything.

    Args:
        space: float64, shape (n, d).
        in_map: float64, shape (n, 2): the same points.
        k: as for `alike`.
        group: as for `alike`.

    Returns:
        float64, shape (n,).
    """
    out = np.empty(len(space))
    for (part, here), (_, there) in zip(
        _in_blocks(space, k, group), _in_blocks(in_map, k, group), strict=True
    ):
        both = here.tied & there.tied
        one_by_one = np.where(both, 0, here.probability * there.probability).sum(axis=1)
        counts = [tied.sum(axis=1).tolist() for tied in (both, here.tied, there.tied)]
        together = [
            shared and shared * _both_get_in(shared, one - shared, other - shared, *places)
            for shared, one, other, *places in zip(
                *counts, here.places.tolist(), there.places.tolist(), strict=True
            )
        ]
        out[part] = (one_by_one + together) / k
    return out


def _in_blocks(points: Floats, k: int, group: Ints) -> Iterator[tuple[slice, Nearest]]:
    """Find the nearest of other groups, some points at a time.

    Squared distances tie within 2⁻³⁹ of the largest squared length: for unit vectors, where cosines do.
    """
    tie = 2 * TIE * float(np.square(points).sum(axis=1).max())
    for start in range(0, len(points), _BLOCK):
        part = slice(start, min(start + _BLOCK, len(points)))
        apart = cdist(points[part], points, "sqeuclidean")
        apart[group[part, None] == group] = np.inf
        last = np.partition(apart, k - 1, axis=1)[:, k - 1 : k]
        sure, near = apart < last - tie, apart <= last + tie
        yield part, Nearest(sure, near & ~sure, k - sure.sum(axis=1))


@lru_cache(maxsize=4096)
def _both_get_in(shared: int, one: int, other: int, places_one: int, places_other: int) -> float:
    """Return how probably one of the shared points is among the first of two overlapping sets, in one order.

    Args:
        shared: points of both sets, at least one.
        one: further points of the first set.
        other: further points of the second set.
        places_one: how many of the first set get in.
        places_other: how many of the second set get in.
    """
    points = shared + one + other
    total = 0.0
    for before in range(min(shared, places_one, places_other)):
        for of_one in range(min(one, places_one - 1 - before) + 1):
            for of_other in range(min(other, places_other - 1 - before) + 1):
                ways = comb(shared - 1, before) * comb(one, of_one) * comb(other, of_other)
                total += ways / comb(points - 1, before + of_one + of_other)
    return total / points
