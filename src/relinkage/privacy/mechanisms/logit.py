"""Logit-DP: the gradient of every similarity is clipped, not that of every unit (2310.03104)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from relinkage.encoders.heads import HeadPair
from relinkage.encoders.trained.bounds import Sensitivity, logit_bound
from relinkage.encoders.trained.hardening import MechanismName
from relinkage.privacy.mechanisms.protocol import Batch


@dataclass(frozen=True)
class Logit:
    """InfoNCE over the batch with the gradient of every similarity clipped; for linear heads.

    Attributes:
        clip: the norm B that the gradient of a similarity is clipped to.
        temperature: τ.
        units: the largest number of pairs that a batch can hold; None for any number.
    """

    clip: float
    temperature: float = 1.0
    units: int | None = None
    name: MechanismName = "logit"
    one_pair: bool = True

    @property
    def sensitivity(self) -> Sensitivity:
        """The bound for this temperature."""
        return logit_bound(self.temperature, self.units)

    def loss(self, images: Tensor, texts: Tensor, batch: Batch, heads: HeadPair) -> Tensor:
        """Give a loss whose gradient is the clipped sum: Σ_ij c_ij·(∂L/∂s_ij)·s_ij, only s_ij varying."""
        # In float64: 1 − s² of nearly equal vectors would be lost in float32.
        cosines = normalize(images.double(), dim=1) @ normalize(texts.double(), dim=1).T
        with torch.no_grad():
            rows = torch.softmax(cosines / self.temperature, dim=1)
            columns = torch.softmax(cosines / self.temperature, dim=0)
            slope = ((rows + columns) / 2 - torch.eye(len(cosines), dtype=cosines.dtype)) / self.temperature
            # ‖∇s_ij‖² = (1 − s_ij²)·(‖x_i‖²/‖z_i‖² + ‖y_j‖²/‖t_j‖²), where a bias counts as a feature of 1.
            left = _spread(heads.image, batch.images, images)
            right = _spread(heads.text, batch.texts, texts)
            norm = ((1 - cosines.square()).clamp(min=0) * (left[:, None] + right)).sqrt()
            factor = self.clip * (1 - 1e-5) / norm.clamp(min=self.clip)
        return (slope * factor * cosines).sum()

    def groups(self, batch: Batch) -> None:
        """Nothing more is clipped."""


def _spread(head: nn.Module, features: Tensor, outputs: Tensor) -> Tensor:
    bias = isinstance(head, nn.Linear) and head.bias is not None
    return (features.double().square().sum(1) + float(bias)) / outputs.double().square().sum(1).clamp(
        min=1e-30
    )
