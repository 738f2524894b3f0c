"""Logit-DP: the gradient of every similarity is clipped, not that of every unit (2310.03104)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from relinkage.encoders.heads import HeadPair
from relinkage.encoders.trained.hardening import MechanismName
from relinkage.privacy.mechanisms.protocol import Batch, Sensitivity


def sensitivity(temperature: float, population: int) -> Sensitivity:
    """Bound how far one pair moves the sum: (2/τ)·[1 + (n−1)·e^{2/τ}/(e^{2/τ} + n−1)] clipping norms.

    With rows' softmax p_ij, the sum is Σ_ij (p_ij − [i = j])/τ · ∇s_ij, each ∇s_ij of norm B at most. A new
    pair's own row adds 2(1 − p)B/τ at most. In each of the n − 1 others, the new column takes the mass p from
    the rest, which moves the row by 2pB/τ, and p ≤ e^{2/τ}/(e^{2/τ} + n − 1) for cosines. The mean over both
    directions has the same bound. It grows with n, so the population stands for n. The code published with
    2310.03104 leaves out 1/τ.

    Args:
        temperature: τ.
        population: the largest number of pairs that a batch can hold.
    """
    others = population - 1
    # e^{2/τ}/(e^{2/τ} + m) without overflow at small τ.
    share = 1 / (1 + others * math.exp(-2 / temperature))
    return Sensitivity(
        2 / temperature * (1 + others * share),
        True,
        "Every similarity's gradient is clipped, and cosines bound how much softmax mass a new pair can take "
        "from the others.",
    )


@dataclass(frozen=True)
class Logit:
    """InfoNCE over the batch with the gradient of every similarity clipped; for linear heads.

    Attributes:
        clip: the norm B that the gradient of a similarity is clipped to.
        population: the largest number of pairs that a batch can hold.
        temperature: τ.
    """

    clip: float
    population: int
    temperature: float = 1.0
    name: MechanismName = "logit"
    one_pair: bool = True

    @property
    def sensitivity(self) -> Sensitivity:
        """The bound for this temperature and population."""
        return sensitivity(self.temperature, self.population)

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
