"""Seed bootstrapping: a few known pairs, and then those of the gallery that are surest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from relinkage.attackers.cross_validation import FOLDS, unit
from relinkage.attackers.principal import Principal
from relinkage.attackers.protocol import AuxiliaryPairs, Floats, Ints, Pools, Vectors
from relinkage.progress import progress

LARGEST_SEEDS = 100
"""Known pairs that are used, at most: who knows more has no need to guess."""
ROUNDS = 10
LARGEST_SPACE = 128
"""Components of each side, at most."""

_BLOCK = 1024


@dataclass(frozen=True)
class Seeds:
    """Turn reports onto images by the known pairs, believe the surest new pairs, and turn again.

    As in VecLinking (arXiv 2605.31100): an image and a report that are each other's nearest are believed in
    the order of their margin, the tenth part of them in the first round and all in the last. Components are
    those of the attacked vectors: the attacker sees the gallery.

    Attributes:
        seed: of the draw where more pairs are known than are used.
    """

    seed: int = 0
    needs_pairs: ClassVar[bool] = True
    uses_pairs: ClassVar[bool] = False
    pools: ClassVar[Pools] = "full"
    one_space: ClassVar[bool] = False
    looked_at: ClassVar[int] = FOLDS

    def fit(self, known: AuxiliaryPairs | None) -> "FittedSeeds":
        """Keep the seeds; see `Family.fit`."""
        return FittedSeeds(self._drawn(AuxiliaryPairs.enough(known)))

    def again(self, fitted: "FittedSeeds", known: AuxiliaryPairs) -> "FittedSeeds":
        """Keep other seeds; see `Learner.again`."""
        return FittedSeeds(self._drawn(known))

    def _drawn(self, known: AuxiliaryPairs) -> AuxiliaryPairs:
        order = np.random.default_rng([self.seed, 33]).permutation(len(known))
        return known.take(np.sort(order[:LARGEST_SEEDS]))


@dataclass(frozen=True)
class FittedSeeds:
    """The seeds.

    Attributes:
        known: the pairs.
    """

    known: AuxiliaryPairs

    @property
    def settings(self) -> Mapping[str, Any]:
        """Say what it sees and how it goes on."""
        return {"sees": "the attacked vectors of both sides", "seeds": len(self.known), "rounds": ROUNDS}

    @property
    def temperature(self) -> None:
        """That of plain cosines."""
        return None

    def transform(self, images: Vectors, texts: Vectors) -> tuple[Floats, Floats]:
        """Give both sides' components, the texts' turned by the last round; see `Fitted.transform`."""
        whole = [
            np.concatenate([side, seeds])
            for side, seeds in ((images, self.known.images), (texts, self.known.texts))
        ]
        left, right = (Principal.of(side).coordinates(side, LARGEST_SPACE) for side in whole)
        seeds = left[len(images) :], right[len(texts) :]
        left, right = left[: len(images)], right[: len(texts)]
        rows, columns = np.empty(0, np.int64), np.empty(0, np.int64)
        with progress(ROUNDS, "bootstrapping", "rounds") as bar:
            for number in range(1, ROUNDS + 1):
                ones = np.concatenate([seeds[0], left[rows]])
                others = np.concatenate([seeds[1], right[columns]])
                used = min(max(len(ones) // 2, 1), left.shape[1], right.shape[1])
                turn = _turn(ones[:, :used], others[:, :used])
                turned = right[:, :used] @ turn
                bar.update()
                if number < ROUNDS:
                    rows, columns = surest(unit(left[:, :used]), unit(turned), number / (ROUNDS - 1))
        return left[:, :used], turned


def surest(left: Floats, right: Floats, share: float) -> tuple[Ints, Ints]:
    """Give the surest pairs: each is the other's nearest, and no second is as near.

    Args:
        left: float64, shape (n, d): unit vectors.
        right: float64, shape (m, d).
        share: of these pairs, those with the largest margins.

    Returns:
        int64 twice: rows of either side, surest first.
    """
    turned = right.T.astype(np.float32)
    nearest, margin = np.empty(len(left), np.int64), np.empty(len(left), np.float32)
    highest, owner = np.full(len(right), -np.inf, np.float32), np.zeros(len(right), np.int64)
    for start in range(0, len(left), _BLOCK):
        scores = left[start : start + _BLOCK].astype(np.float32) @ turned
        here = np.arange(len(scores))
        best, top = scores.argmax(axis=0), scores.max(axis=0)
        better = top > highest
        highest[better], owner[better] = top[better], start + best[better]
        first = scores.argmax(axis=1)
        nearest[start : start + _BLOCK] = first
        margin[start : start + _BLOCK] = scores[here, first]
        scores[here, first] = -np.inf
        margin[start : start + _BLOCK] -= scores.max(axis=1)
    mutual = np.flatnonzero(owner[nearest] == np.arange(len(left)))
    kept = mutual[np.argsort(-margin[mutual], kind="stable")][: int(np.ceil(share * len(mutual)))]
    return kept, nearest[kept]


def _turn(images: Floats, texts: Floats) -> Floats:
    """Give the orthogonal map that brings texts closest to images (Schönemann 1966)."""
    left, _, right = np.linalg.svd(texts.T @ images)
    return left @ right
