"""A contrast inside small groups, and over the whole batch, with one clipped gradient a group."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from relinkage.encoders.heads import HeadPair
from relinkage.encoders.trained.bounds import BOUNDS, Sensitivity
from relinkage.encoders.trained.hardening import MechanismName
from relinkage.privacy.mechanisms.contrast import PLAIN, Contrast
from relinkage.privacy.mechanisms.protocol import Batch

GROUPED = BOUNDS["grouped"]
BATCH_CLIP = BOUNDS["batch-clip"]


@dataclass(frozen=True)
class Grouped:
    """A contrast inside groups; the group of a unit is a hash of the unit and the step.

    Attributes:
        slots: how many groups a batch is spread over; a public number.
        objective: what is minimised inside a group.
    """

    slots: int
    objective: Contrast = PLAIN
    name: MechanismName = "grouped"
    sensitivity: Sensitivity = GROUPED
    one_pair: bool = False

    def loss(self, images: Tensor, texts: Tensor, batch: Batch, heads: HeadPair) -> Tensor:
        """Give the objective inside the groups; a unit's own other pairs are not negatives."""
        return self.objective.summed(images, texts, batch, self.groups(batch))

    def groups(self, batch: Batch) -> NDArray[np.int64]:
        """Clip group by group."""
        return slots_of(batch.key, batch.step, self.slots)[batch.owner]


@dataclass(frozen=True)
class BatchClip:
    """A contrast over the batch, its gradient clipped as a whole (DP-CLIP, Huang et al. 2306.08173).

    Attributes:
        objective: what is minimised inside a group.
    """

    objective: Contrast = PLAIN
    name: MechanismName = "batch-clip"
    sensitivity: Sensitivity = BATCH_CLIP
    one_pair: bool = False

    def loss(self, images: Tensor, texts: Tensor, batch: Batch, heads: HeadPair) -> Tensor:
        """Give the objective over the whole batch; a unit's own other pairs are not negatives."""
        return self.objective.summed(images, texts, batch, self.groups(batch))

    def groups(self, batch: Batch) -> NDArray[np.int64]:
        """Clip all rows together."""
        return np.zeros(len(batch.owner), np.int64)


def slots_of(key: NDArray[np.uint64], step: int, slots: int) -> NDArray[np.int64]:
    """Hash units and a step to slots (the finaliser of SplitMix64, Steele et al. 2014).

    Args:
        key: uint64, shape (units,).
        step: the step's number.
        slots: how many there are.

    Returns:
        int64, shape (units,), each from 0 to slots − 1, whatever the other units are.
    """
    mixed = key ^ np.uint64((step + 1) * 0x9E3779B97F4A7C15 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return ((mixed ^ (mixed >> np.uint64(31))) % np.uint64(slots)).astype(np.int64)
