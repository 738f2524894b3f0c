"""The multi-task objective inside groups of a batch, summed over rows; InfoNCE is its default."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from relinkage.alignment.multi_task import PairLabels
from relinkage.alignment.objectives import abnormality_loss, contrast, same_class, shared_labels
from relinkage.encoders.trained.aligning import INFONCE, Classes, Weights
from relinkage.privacy.mechanisms.protocol import Batch

_STEEPNESS = 10.0
"""Slope of the fixed classifier: the cosine with its direction that makes the odds e³ is 0.3."""


@dataclass(frozen=True)
class Contrast:
    """What a batch-coupled mechanism minimises inside its groups.

    The parts are those of `alignment.multi_task`, but for the classifier of normal against abnormal: here it
    is fixed and public, the diagonal of the space, and the heads turn the space towards it. So there is
    nothing to train, clip or release beside the heads.

    Attributes:
        temperature: τ.
        weights: of the parts.
        classes: what makes a class for the supervised contrast.
    """

    temperature: float = 0.07
    weights: Weights = INFONCE
    classes: Classes = "abnormal"

    def summed(self, images: Tensor, texts: Tensor, batch: Batch, group: NDArray[np.int64]) -> Tensor:
        """Sum the loss of all rows; negatives and positives are of a row's own group, and other units.

        Args:
            images: shape (n, d), not normalised.
            texts: shape (n, d), not normalised; row i is the mate of image i.
            batch: whose rows these are; its labels are those of `label_columns` where a part looks at them.
            group: int64, shape (n,): each row's group.
        """
        images, texts = normalize(images, dim=1), normalize(texts, dim=1)
        loss, positives = images.new_zeros(()), None
        if self.weights.needs_labels:
            if batch.labels is None:
                raise ValueError("the multi-task objective needs labels")
            abnormal, positive = batch.labels[:, 0], batch.labels[:, 1:]
            for side in (images, texts):
                odds = _STEEPNESS / side.shape[1] ** 0.5 * side.sum(1)
                known = int((~abnormal.isnan()).sum())
                loss = loss + abnormality_loss(odds, abnormal) * (self.weights.bce / 2 * known)
            if self.weights.supcon:
                by_abnormality = self.classes == "abnormal"
                positives = same_class(abnormal) if by_abnormality else shared_labels(positive)
        if self.weights.supcon == 0 and self.weights.clip == 0:
            return loss
        apart = (batch.owner[:, None] == batch.owner) | (group[:, None] != group)
        rows = contrast(
            images, texts, self.temperature, clip=self.weights.clip, supcon=self.weights.supcon,
            positives=positives, same=torch.from_numpy(apart),
        )  # fmt: skip
        return loss + rows * len(batch.owner)


PLAIN = Contrast()
"""InfoNCE at the usual temperature."""


def label_columns(labels: PairLabels) -> Tensor:
    """Put what the objective may know of pairs into one table: float32, shape (n, 1 + findings)."""
    return torch.from_numpy(np.column_stack([labels.abnormal, labels.positive]).astype(np.float32))
