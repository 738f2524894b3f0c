"""Orthogonal Procrustes: one side is turned so that the known pairs lie on each other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from relinkage.attackers.cross_validation import FOLDS, choose, criterion, doubling, largest_rank
from relinkage.attackers.principal import Principal
from relinkage.attackers.protocol import AuxiliaryPairs, Floats, Pools, Vectors


@dataclass(frozen=True)
class Procrustes:
    """Turn texts onto images by the orthogonal map that fits the known pairs best (Schönemann 1966).

    Both sides are centred and reduced to as many of their own principal components, which also brings sides
    of unequal width together; how many is chosen on held-out pairs.

    Attributes:
        seed: of the folds.
    """

    seed: int = 0
    needs_pairs: ClassVar[bool] = True
    uses_pairs: ClassVar[bool] = False
    pools: ClassVar[Pools] = "every"
    one_space: ClassVar[bool] = False
    looked_at: ClassVar[int] = FOLDS

    def fit(self, known: AuxiliaryPairs | None) -> "FittedProcrustes":
        """Fit the map; see `Family.fit`."""
        pairs = AuxiliaryPairs.enough(known)
        grid = doubling(largest_rank(pairs, self.seed))
        components = choose(pairs, grid, _family, self.seed, "procrustes")
        return _family(pairs)(components)

    def again(self, fitted: "FittedProcrustes", known: AuxiliaryPairs) -> "FittedProcrustes":
        """Fit another map with as many components; see `Learner.again`."""
        return _family(known)(fitted.components)


@dataclass(frozen=True)
class FittedProcrustes:
    """The map.

    Attributes:
        images: components of the images.
        texts: components of the texts.
        turn: float64, shape (text components, image components): orthogonal.
        components: how many of each side's components are used.
    """

    images: Principal
    texts: Principal
    turn: Floats
    components: int

    @property
    def settings(self) -> Mapping[str, Any]:
        """Say how many components were chosen."""
        return {"components": self.components, "chosen_by": criterion()}

    @property
    def temperature(self) -> None:
        """That of plain cosines."""
        return None

    def transform(self, images: Vectors, texts: Vectors) -> tuple[Floats, Floats]:
        """Give the images' components, and the texts' turned onto them; see `Fitted.transform`."""
        left = self.images.coordinates(images, self.components)
        return left, self.texts.coordinates(texts, self.components) @ self.turn


def _family(known: AuxiliaryPairs) -> Callable[[int], FittedProcrustes]:
    images, texts = Principal.of(known.images), Principal.of(known.texts)
    cross = texts.coordinates(known.texts).T @ images.coordinates(known.images)

    def at(components: int) -> FittedProcrustes:
        left, _, right = np.linalg.svd(cross[:components, :components], full_matrices=False)
        return FittedProcrustes(images, texts, left @ right, components)

    return at
