"""Relative representations: a vector is described by its similarities to anchors, which both sides share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

import numpy as np

from relinkage.attackers.cross_validation import FOLDS, choose, criterion, unit
from relinkage.attackers.protocol import AuxiliaryPairs, Floats, Pools, Vectors

LARGEST_ANCHORS = 512
"""Known pairs that serve as anchors, at most: the width of the vectors that the exact pass multiplies."""

KEPT = (512, 128, 32, 8)
POWERS = (1, 4)

Choice = tuple[int, int]


@dataclass(frozen=True)
class Relative:
    """Compare an image's similarities to the known images with a report's to the known reports.

    Norelli et al., ASIF (NeurIPS 2023): of the similarities the largest are kept and raised to a power. Here
    both sides are centred, and those are kept that are largest in magnitude. How many and the power are
    chosen on held-out pairs.

    Attributes:
        seed: of the folds, and of the draw where there are more pairs than anchors.
    """

    seed: int = 0
    needs_pairs: ClassVar[bool] = True
    uses_pairs: ClassVar[bool] = False
    pools: ClassVar[Pools] = "every"
    one_space: ClassVar[bool] = False
    looked_at: ClassVar[int] = FOLDS

    def fit(self, known: AuxiliaryPairs | None) -> "FittedRelative":
        """Choose how similarities are sparsified; see `Family.fit`."""
        pairs = AuxiliaryPairs.enough(known)
        kept = [count for count in KEPT if count < len(pairs)] or [min(KEPT)]
        grid = list(product(kept, POWERS))
        return self._family(pairs)(choose(pairs, grid, self._family, self.seed, "relative"))

    def again(self, fitted: "FittedRelative", known: AuxiliaryPairs) -> "FittedRelative":
        """Take other anchors, sparsified alike; see `Learner.again`."""
        return self._family(known)((fitted.kept, fitted.power))

    def _family(self, known: AuxiliaryPairs) -> Callable[[Choice], "FittedRelative"]:
        means = known.images.mean(axis=0, dtype="float64"), known.texts.mean(axis=0, dtype="float64")
        rows = np.random.default_rng([self.seed, 32]).permutation(len(known))[:LARGEST_ANCHORS]
        images, texts = unit(known.images[rows] - means[0]), unit(known.texts[rows] - means[1])
        return lambda choice: FittedRelative(means, images, texts, *choice)


@dataclass(frozen=True)
class FittedRelative:
    """The anchors.

    Attributes:
        means: float64, shapes (image width,) and (text width,).
        images: float64, shape (a, image width): unit vectors; row i and row i of `texts` are a pair.
        texts: float64, shape (a, text width).
        kept: similarities of a vector that are kept, at most.
        power: that they are raised to.
    """

    means: tuple[Floats, Floats]
    images: Floats
    texts: Floats
    kept: int
    power: int

    @property
    def settings(self) -> Mapping[str, Any]:
        """Say how many anchors there are and what was chosen."""
        chosen = {"anchors": len(self.images), "kept": min(self.kept, len(self.images)), "power": self.power}
        return {**chosen, "chosen_by": criterion()}

    @property
    def temperature(self) -> None:
        """That of plain cosines."""
        return None

    def transform(self, images: Vectors, texts: Vectors) -> tuple[Floats, Floats]:
        """Give the similarities of both sides to their anchors; see `Fitted.transform`."""
        sides = zip((images, texts), self.means, (self.images, self.texts), strict=True)
        left, right = (self._sparsified(unit(side - mean) @ anchors.T) for side, mean, anchors in sides)
        return left, right

    def _sparsified(self, similarities: Floats) -> Floats:
        size = np.abs(similarities)
        if self.kept < size.shape[1]:
            least = np.partition(size, size.shape[1] - self.kept, axis=1)[:, size.shape[1] - self.kept]
            similarities = np.where(size >= least[:, None], similarities, 0)
        return np.sign(similarities) * np.abs(similarities) ** self.power
