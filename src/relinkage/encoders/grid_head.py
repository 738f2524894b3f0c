"""BioViL's image head: over a grid of features, not over their mean.

A 1×1 convolution, BatchNorm, ReLU, a second 1×1 convolution, then the mean over positions (Boecking et al.
2022, arXiv 2204.09817; Bannur et al. 2023, arXiv 2301.04558). The ReLU stands before the mean, so pooled
features cannot feed this head. A 1×1 convolution is a linear layer at each position. The second one and the
mean change places here, which gives the same result for 1 / positions of the work.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from relinkage.errors import InputError

Norm = Literal["none", "frozen", "group"]
"""After the first layer: nothing (or BatchNorm folded into it), BatchNorm's frozen statistics, GroupNorm."""

GROUPS = 32
"""Of GroupNorm at most, as Opacus sets it (`opacus/validators/batch_norm.py`)."""


def grid_head(features: int, hidden: int, embedding: int, *, bias: bool, norm: Norm) -> nn.Sequential:
    """Give a head over grids (n, positions, features) with freshly initialised weights.

    All of its parameters are those of two linear layers, the second and the last but one of its modules.

    Args:
        features: channels of the grid.
        hidden: width between the two layers.
        embedding: width of the shared space.
        bias: whether the last layer has a bias; the first has one where no norm follows it.
        norm: what follows the first layer.

    Raises:
        InputError: GroupNorm cannot split the hidden width into equal groups.
    """
    norms: list[nn.Module] = []
    if norm == "frozen":
        norms = [FrozenNorm(hidden)]
    elif norm == "group":
        norms = [GridGroupNorm(hidden)]
    return nn.Sequential(
        NeedsGrid(),
        nn.Linear(features, hidden, bias=norm == "none"),
        *norms,
        nn.ReLU(),
        MeanOverPositions(),
        nn.Linear(hidden, embedding, bias=bias),
    )


class NeedsGrid(nn.Module):
    """Lets grids through, shape (n, positions, channels), and nothing else."""

    def forward(self, features: Tensor) -> Tensor:
        """Give the grid as it is.

        Raises:
            InputError: the features are pooled.
        """
        if features.ndim != 3:
            raise InputError(
                "The image head needs the grid of image features and these are pooled, one vector an image; "
                "give embeddings that keep the grid, or other heads."
            )
        return features


class FrozenNorm(nn.Module):
    """BatchNorm in evaluation mode: a fixed scale and shift a channel, which no training changes.

    scale = γ / √(σ² + ε), shift = β − μ · scale (Ioffe and Szegedy 2015, arXiv 1502.03167, algorithm 2).
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(channels))
        self.register_buffer("shift", torch.zeros(channels))

    def forward(self, grid: Tensor) -> Tensor:
        """Scale and shift each channel of a grid (n, positions, channels)."""
        return grid * self.scale + self.shift


class GridGroupNorm(nn.Module):
    """GroupNorm of a grid (Wu and He 2018, arXiv 1803.08494) as initialised: γ = 1, β = 0, and fixed."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.groups = min(GROUPS, channels)
        if channels % self.groups:
            raise InputError(
                f"GroupNorm cannot split {channels} channels into {self.groups} equal groups; "
                "keep the head's BatchNorm."
            )

    def forward(self, grid: Tensor) -> Tensor:
        """Normalise each image's groups of channels over all positions; shape (n, positions, channels)."""
        return nn.functional.group_norm(grid.transpose(1, 2), self.groups).transpose(1, 2)


class MeanOverPositions(nn.Module):
    """The mean of a grid (n, positions, channels) over its positions."""

    def forward(self, grid: Tensor) -> Tensor:
        """Give the means, shape (n, channels)."""
        return grid.mean(1)
