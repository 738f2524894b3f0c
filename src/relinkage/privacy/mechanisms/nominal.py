"""In-batch contrast with each unit's gradient clipped: the common recipe, whose printed ε is nominal."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from relinkage.encoders.heads import HeadPair
from relinkage.encoders.trained.bounds import BOUNDS, Sensitivity
from relinkage.encoders.trained.hardening import MechanismName
from relinkage.privacy.mechanisms.contrast import PLAIN, Contrast
from relinkage.privacy.mechanisms.protocol import Batch

SENSITIVITY = BOUNDS["nominal"]


@dataclass(frozen=True)
class Nominal:
    """A contrast over the batch, every unit's gradient clipped as if it depended on that unit alone.

    Attributes:
        objective: what is minimised inside a group.
    """

    objective: Contrast = PLAIN
    name: MechanismName = "nominal"
    sensitivity: Sensitivity = SENSITIVITY
    one_pair: bool = False

    def loss(self, images: Tensor, texts: Tensor, batch: Batch, heads: HeadPair) -> Tensor:
        """Give the objective over the whole batch; a unit's own other pairs are not negatives."""
        return self.objective.summed(images, texts, batch, np.zeros(len(batch.owner), np.int64))

    def groups(self, batch: Batch) -> NDArray[np.int64]:
        """Clip unit by unit."""
        return batch.owner
