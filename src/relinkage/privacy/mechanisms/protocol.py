"""What a mechanism of private head training is: a loss, the groups it is clipped in, and their bound."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from relinkage.encoders.heads import HeadPair
from relinkage.encoders.trained.bounds import Sensitivity
from relinkage.encoders.trained.hardening import MechanismName


@dataclass(frozen=True, eq=False)
class Batch:
    """The rows of the units sampled at one step.

    Attributes:
        images: float32, shape (n, image features).
        texts: float32, shape (n, text features); row i belongs to image i.
        labels: float32, shape (n, labels): 1 positive, ½ uncertain, 0 negative or not mentioned; the
            columns of `contrast.label_columns` for contrasts by class; or None.
        owner: int64, shape (n,): each row's unit, from 0 in order.
        key: uint64, shape (units,): a number that depends on nothing but the unit.
        step: the step's number, from 0.
    """

    images: Tensor
    texts: Tensor
    labels: Tensor | None
    owner: NDArray[np.int64]
    key: NDArray[np.uint64]
    step: int


class Mechanism(Protocol):
    """A way to train heads with a known (or, for `nominal`, unknown) bound on each unit's part in a step.

    Attributes:
        name: what it is called on the command line.
        sensitivity: the bound.
        one_pair: whether a sampled unit lends one of its pairs, drawn at random, instead of all.
    """

    @property
    def name(self) -> MechanismName:
        """What it is called on the command line."""

    @property
    def sensitivity(self) -> Sensitivity:
        """The bound, as data."""

    @property
    def one_pair(self) -> bool:
        """Whether a sampled unit lends one of its pairs, drawn at random, instead of all."""

    def loss(self, images: Tensor, texts: Tensor, batch: Batch, heads: HeadPair) -> Tensor:
        """Give the loss of a batch, summed over its rows.

        Args:
            images: outputs of the image head for the batch, shape (n, embedding), not normalised.
            texts: likewise of the text head.
            batch: the batch.
            heads: the heads as they are at this step: what earlier steps released.
        """

    def groups(self, batch: Batch) -> NDArray[np.int64] | None:
        """Give each row the group it is clipped in, int64, shape (n,); None where nothing more is clipped."""
