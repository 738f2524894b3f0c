"""Sinkhorn: a report that many images want counts for less, as each belongs to one study."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from relinkage.attackers.augmentation import augment
from relinkage.attackers.cross_validation import strength, unit
from relinkage.attackers.protocol import AuxiliaryPairs, Floats, Pools, Vectors
from relinkage.attackers.transport import potentials

WHOLE = ((0.05, None), (0.02, None), (0.1, None))
"""ε to choose from where every mate is there."""
WITH_BIN = ((0.02, 0.1), (0.02, 0.02), (0.05, 0.02), (0.02, 0.25), (0.05, 0.1))
"""ε and the dustbin's score, as a quantile of the images' best cosines, to choose from."""

SWEEPS = 20
_SAMPLE = 1024
"""Images whose best cosines are looked at for the dustbin's score."""

Strength = tuple[float, float | None]


@dataclass(frozen=True)
class Sinkhorn:
    """Balance exp(cosine / ε) so that each image and each report has its share, and score by the plan.

    Mena et al. 2018 and Sarlin et al., CVPR 2020. The potentials are numbers of each side, fitted on the
    attacked vectors: the attacker sees the gallery. ε, and the dustbin, are chosen on auxiliary pairs where
    there are any; for the dustbin, half of these pairs' reports are taken away first.

    Attributes:
        dustbin: whether mates may be absent on either side.
        strength: ε and the quantile of the dustbin.
        chosen_by: what chose them.
    """

    dustbin: bool = False
    strength: Strength | None = None
    chosen_by: str = "the default"
    needs_pairs: ClassVar[bool] = False
    uses_pairs: ClassVar[bool] = True
    pools: ClassVar[Pools] = "full"
    one_space: ClassVar[bool] = True

    @property
    def settings(self) -> Mapping[str, Any]:
        """Say what it sees and what was chosen."""
        epsilon, quantile = self._strength
        chosen = {"epsilon": epsilon, "sweeps": SWEEPS, "chosen_by": self.chosen_by}
        if quantile is not None:
            chosen["dustbin_at_quantile_of_best_cosines"] = quantile
        return {"sees": "the attacked vectors of both sides, unpaired", **chosen}

    def fit(self, known: AuxiliaryPairs | None) -> "Sinkhorn":
        """Choose ε and the dustbin; see `Family.fit`."""
        grid: tuple[Strength, ...] = WITH_BIN if self.dustbin else WHOLE
        absent = 0.5 if self.dustbin else 0.0
        return Sinkhorn(
            self.dustbin, *strength(known, grid, lambda each: Sinkhorn(self.dustbin, each), absent)
        )

    @property
    def temperature(self) -> float:
        """The plan is a softmax as it is."""
        return 1.0

    def transform(self, images: Vectors, texts: Vectors) -> tuple[Floats, Floats]:
        """Give vectors whose cosine is the logarithm of the plan; see `Fitted.transform`."""
        epsilon, quantile = self._strength
        left, right = unit(images), unit(texts)
        dustbin = None
        if quantile is not None:
            some = np.linspace(0, len(left) - 1, min(len(left), _SAMPLE)).astype(int)
            dustbin = float(np.quantile((left[some] @ right.T).max(axis=1), quantile))
        found = potentials(left, right, epsilon, dustbin, SWEEPS)
        return augment(left / epsilon, right, found.rows, found.columns)

    @property
    def _strength(self) -> Strength:
        return self.strength or (WITH_BIN if self.dustbin else WHOLE)[0]
