"""Heads trained anew on the known pairs, without privacy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from msgspec.structs import replace
from numpy.typing import NDArray

from relinkage.alignment import AlignSettings, train_heads
from relinkage.attackers.cross_validation import choose, criterion
from relinkage.attackers.protocol import AuxiliaryPairs, Pools, Vectors
from relinkage.encoders.heads import HeadPair
from relinkage.errors import InputError

_PASSES = 100
"""No training goes over the pairs more often."""

_LOOKED_AT = 2
"""Folds held out in turn: every one of them is a training for each number of steps."""

_BLOCK = 8192


@dataclass(frozen=True)
class Retrained:
    """Train linear heads with InfoNCE on the known pairs, as `relinkage align` does, and compare by cosine.

    How long to train, which is how closely the heads fit the known pairs, is chosen on held-out pairs.

    Attributes:
        seed: of the folds, the weights and the batches.
        dimension: width of the shared space.
        batch: pairs a step.
        steps: numbers of optimiser steps to choose from, as far as they make at most 100 passes.
    """

    seed: int = 0
    dimension: int = 64
    batch: int = 256
    steps: tuple[int, ...] = (30, 100, 300, 1000, 3000)
    needs_pairs: ClassVar[bool] = True
    uses_pairs: ClassVar[bool] = False
    pools: ClassVar[Pools] = "every"
    one_space: ClassVar[bool] = False
    looked_at: ClassVar[int] = _LOOKED_AT

    def fit(self, known: AuxiliaryPairs | None) -> "FittedHeads":
        """Train the heads; see `Family.fit`."""
        pairs = AuxiliaryPairs.enough(known)
        most = _PASSES * len(pairs) / min(self.batch, len(pairs))
        grid = [steps for steps in self.steps if steps <= most]
        return self._family(pairs)(choose(pairs, grid, self._family, self.seed, "heads", _LOOKED_AT))

    def again(self, fitted: "FittedHeads", known: AuxiliaryPairs) -> "FittedHeads":
        """Train other heads for as many steps; see `Learner.again`."""
        return self._family(known)(fitted.steps)

    def _family(self, known: AuxiliaryPairs) -> Callable[[int], "FittedHeads"]:
        settings = AlignSettings(dimension=self.dimension, batch=self.batch, seed=self.seed)
        images, texts = (np.ascontiguousarray(side, np.float32) for side in (known.images, known.texts))

        def at(steps: int) -> FittedHeads:
            trained = train_heads(images, texts, known.patient, replace(settings, steps=steps))
            if not np.isfinite(trained.losses).all():
                raise InputError(
                    "Training heads on the auxiliary pairs diverged; give another --auxiliary or leave heads "
                    "out of --attackers."
                )
            return FittedHeads(trained.heads, steps)

        return at


@dataclass(frozen=True, eq=False)
class FittedHeads:
    """The trained heads.

    Attributes:
        pair: the heads, in evaluation mode.
        steps: how many optimiser steps they had.
    """

    pair: HeadPair
    steps: int

    @property
    def settings(self) -> Mapping[str, Any]:
        """Say how the heads were trained."""
        return {
            "head": "linear",
            "objective": "infonce",
            "dimension": self.pair.image_spec.embedding,
            "steps": self.steps,
            "chosen_by": criterion(_LOOKED_AT),
        }

    @property
    def temperature(self) -> None:
        """That of plain cosines."""
        return None

    def transform(self, images: Vectors, texts: Vectors) -> tuple[Vectors, Vectors]:
        """Give the heads' unit vectors, float32; see `Fitted.transform`."""
        return _embedded(self.pair.embed_images, images), _embedded(self.pair.embed_texts, texts)


@torch.inference_mode()
def _embedded(embed: Callable[[torch.Tensor], torch.Tensor], vectors: Vectors) -> NDArray[np.float32]:
    blocks = (vectors[start : start + _BLOCK] for start in range(0, len(vectors), _BLOCK))
    return np.concatenate([embed(torch.from_numpy(np.array(block, np.float32))).numpy() for block in blocks])
