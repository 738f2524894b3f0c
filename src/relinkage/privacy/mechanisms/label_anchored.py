"""Images and reports pulled to public anchors of their own labels: no other unit plays a part."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from relinkage.encoders.heads import HeadPair
from relinkage.encoders.trained.bounds import BOUNDS, Sensitivity
from relinkage.encoders.trained.hardening import MechanismName
from relinkage.privacy.mechanisms.protocol import Batch

SENSITIVITY = BOUNDS["label-anchored"]


@dataclass(frozen=True, eq=False)
class LabelAnchored:
    """The squared distance of both embeddings of a pair to the anchor of the pair's labels.

    The anchor of labels y is the unit vector along Σ_l (y_l − ρ_l)/√(ρ_l(1 − ρ_l)) · a_l: public shares ρ
    make rare labels weigh more, and an absent one push a little.

    Attributes:
        anchors: float32, shape (labels, d): a public vector per label.
        shares: float32, shape (labels,): the public share ρ of pairs that have it.
    """

    anchors: Tensor
    shares: Tensor
    name: MechanismName = "label-anchored"
    sensitivity: Sensitivity = SENSITIVITY
    one_pair: bool = False

    def targets(self, labels: Tensor) -> Tensor:
        """Give the anchor of each row of labels, shape (n, d), unit vectors."""
        deviation = (self.shares * (1 - self.shares)).clamp(min=1e-3).sqrt()
        return normalize((labels - self.shares) / deviation @ self.anchors, dim=1)

    def loss(self, images: Tensor, texts: Tensor, batch: Batch, heads: HeadPair) -> Tensor:
        """Give Σ (1 − cos(image, anchor)) + (1 − cos(text, anchor)), half the squared distances."""
        if batch.labels is None:
            raise ValueError("label-anchored training needs labels")
        with torch.no_grad():
            targets = self.targets(batch.labels)
        together = normalize(images, dim=1) + normalize(texts, dim=1)
        return 2 * len(targets) - (together * targets).sum()

    def groups(self, batch: Batch) -> NDArray[np.int64]:
        """Clip unit by unit."""
        return batch.owner
