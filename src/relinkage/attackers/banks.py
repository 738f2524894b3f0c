"""What is similar to everything counts for less, judged on a bank of auxiliary vectors.

CSLS and the inverted softmax take from a cosine a number of each side. Taken over the attacked gallery, such
numbers belong to that gallery; taken over auxiliary images and reports, they depend on the one vector
alone, so a pair scores the same in every pool and the figures hold at every pool size.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from relinkage.attackers.augmentation import augment
from relinkage.attackers.cross_validation import FOLDS, choose, criterion, unit
from relinkage.attackers.csls import NEIGHBOURS
from relinkage.attackers.protocol import AuxiliaryPairs, Floats, Pools, Vectors

SHARPNESS = (20.0, 5.0, 10.0, 40.0, 80.0)
"""Inverse temperatures β of the inverted softmax to choose from."""

LARGEST_BANK = 10_000
"""Vectors of a bank, at most."""

_BLOCK = 1024


@dataclass(frozen=True)
class Bank:
    """Take from each cosine how similar both vectors are to a bank of the other side.

    Attributes:
        rule: "csls" (mean cosine to the nearest of the bank, halved) or "inverted-softmax".
        seed: of the folds.
    """

    rule: str
    seed: int = 0
    needs_pairs: ClassVar[bool] = True
    uses_pairs: ClassVar[bool] = False
    pools: ClassVar[Pools] = "every"
    one_space: ClassVar[bool] = True
    looked_at: ClassVar[int] = FOLDS

    def fit(self, known: AuxiliaryPairs | None) -> "FittedBank":
        """Choose the strength on held-out pairs, with the others as the bank; see `Family.fit`."""
        pairs = AuxiliaryPairs.enough(known)
        grid = SHARPNESS if self.rule == "inverted-softmax" else NEIGHBOURS
        return self._family(pairs)(choose(pairs, grid, self._family, self.seed, self.rule))

    def again(self, fitted: "FittedBank", known: AuxiliaryPairs) -> "FittedBank":
        """Take another bank with the same strength; see `Learner.again`."""
        return self._family(known)(fitted.strength)

    def _family(self, known: AuxiliaryPairs) -> Callable[[float], "FittedBank"]:
        images, texts = (np.unique(unit(side), axis=0) for side in (known.images, known.texts))
        if max(len(images), len(texts)) > LARGEST_BANK:
            random = np.random.default_rng([self.seed, 31])
            images, texts = (random.permutation(side)[:LARGEST_BANK] for side in (images, texts))
        return lambda strength: FittedBank(self.rule, images, texts, strength)


@dataclass(frozen=True)
class FittedBank:
    """The banks and how strongly they count.

    Attributes:
        rule: as in `Bank`.
        images: float64, shape (b, d): unit vectors that texts are held against.
        texts: float64, shape (c, d): unit vectors that images are held against.
        strength: the number of neighbours, or β.
    """

    rule: str
    images: Floats
    texts: Floats
    strength: float

    @property
    def settings(self) -> Mapping[str, Any]:
        """Say how large the banks are and what was chosen."""
        called = "sharpness" if self.rule == "inverted-softmax" else "neighbours"
        banks = {"bank_images": len(self.images), "bank_reports": len(self.texts)}
        return {**banks, called: self.strength, "chosen_by": criterion()}

    @property
    def temperature(self) -> float:
        """That of plain cosines, for the score is a cosine less numbers of each side."""
        return 0.07

    def transform(self, images: Vectors, texts: Vectors) -> tuple[Floats, Floats]:
        """Give vectors whose cosine is the score; see `Fitted.transform`."""
        left, right = unit(images), unit(texts)
        return augment(left, right, -self._level(left, self.texts), -self._level(right, self.images))

    def _level(self, vectors: Floats, bank: Floats) -> Floats:
        """Say how similar each vector is to a bank: float64, shape (n,)."""
        out = np.empty(len(vectors))
        for start in range(0, len(vectors), _BLOCK):
            cosines = vectors[start : start + _BLOCK] @ bank.T
            if self.rule == "inverted-softmax":
                highest = cosines.max(axis=1)
                away = np.exp(self.strength * (cosines - highest[:, None])).mean(axis=1)
                level = highest + np.log(away) / self.strength
            else:
                count = min(int(self.strength), len(bank))
                level = np.partition(cosines, len(bank) - count, axis=1)[:, -count:].mean(axis=1) / 2
            out[start : start + _BLOCK] = level
        return out
