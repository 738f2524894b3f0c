"""Cross-domain similarity local scaling: what is similar to everything counts for less."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from relinkage.attackers.augmentation import augment
from relinkage.attackers.cross_validation import strength, unit
from relinkage.attackers.protocol import AuxiliaryPairs, Floats, Pools, Vectors
from relinkage.progress import progress

_BLOCK = 1024
NEIGHBOURS = (10, 1, 3, 30, 100)
"""Numbers of neighbours to choose from, that of the paper first."""


@dataclass(frozen=True)
class Csls:
    """Score 2 cos(a, b) − r(a) − r(b), r the mean cosine with the nearest of the other side.

    Conneau et al., ICLR 2018. The neighbours are looked for among the vectors that are attacked (images, and
    distinct texts): the attacker sees the gallery. How many is chosen on auxiliary pairs where there are any.

    Attributes:
        neighbours: how many nearest vectors of the other side; all where there are fewer.
        chosen_by: what chose the number.
    """

    neighbours: int = NEIGHBOURS[0]
    chosen_by: str = "the default"
    needs_pairs: ClassVar[bool] = False
    uses_pairs: ClassVar[bool] = True
    pools: ClassVar[Pools] = "full"
    one_space: ClassVar[bool] = True

    @property
    def settings(self) -> Mapping[str, Any]:
        """Say what it sees and how many neighbours it asks."""
        return {
            "sees": "the attacked vectors of both sides, unpaired",
            "neighbours": self.neighbours,
            "chosen_by": self.chosen_by,
        }

    def fit(self, known: AuxiliaryPairs | None) -> "Csls":
        """Choose the number of neighbours; see `Family.fit`."""
        return Csls(*strength(known, NEIGHBOURS, Csls))

    @property
    def temperature(self) -> float:
        """Twice that of plain cosines, for the score is made of twice a cosine."""
        return 0.14

    def transform(self, images: Vectors, texts: Vectors) -> tuple[Floats, Floats]:
        """Give vectors whose cosine is the score; see `Fitted.transform`."""
        left, right = unit(images), unit(texts)
        of_images, of_texts = neighbourhoods(left, right, self.neighbours)
        return augment(2 * left, right, -of_images, -of_texts)


def neighbourhoods(left: Floats, right: Floats, neighbours: int) -> tuple[Floats, Floats]:
    """Give each vector's mean inner product with its nearest of the other side, block by block.

    Args:
        left: float64, shape (n, d).
        right: float64, shape (m, d).
        neighbours: how many; all where there are fewer.

    Returns:
        float64, shapes (n,) and (m,).
    """
    of_left = np.empty(len(left))
    best = np.empty((0, len(right)))
    with progress(len(left), "looking for neighbours", "vectors") as bar:
        for start in range(0, len(left), _BLOCK):
            scores = left[start : start + _BLOCK] @ right.T
            of_left[start : start + _BLOCK] = _largest(scores, min(neighbours, len(right))).mean(axis=1)
            best = np.concatenate([best, scores])
            best = _largest(best.T, min(neighbours, len(best))).T
            bar.update(len(scores))
    return of_left, best.mean(axis=0)


def _largest(rows: Floats, count: int) -> Floats:
    return np.partition(rows, rows.shape[1] - count, axis=1)[:, -count:]
