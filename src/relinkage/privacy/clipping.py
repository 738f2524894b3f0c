"""Sums of clipped gradients, group by group, without a gradient per group ever being stored.

The gradient of a linear layer is a sum of outer products g_i ⊗ a_i of the layer's output gradients and its
inputs. So the squared norm of a group's summed gradient is Σ_ij (g_i·g_j)(a_i·a_j) over the group's rows, and
the clipped sum over all groups is one matrix product of the rows scaled by their group's factor (the ghost
norms of Goodfellow 1510.01799 and Li et al. 2110.05679, here for groups of rows). Both are exact.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from relinkage.encoders.heads import HeadPair
from relinkage.privacy.kernels import add_squared_norms

_ROUNDING = 1e-5
"""Gradients are clipped to this share below the norm, so that rounding never exceeds it."""
LARGEST_ROW = 1e3
"""What the gradient of a single row is cut to, in norms C, before its group is clipped.

Rows of a group may cancel. What rounding leaves of them grows with the rows and not with their sum, so rows
of any size could move a sum by more than C. Ordinary features and heads have no rows this large.
"""


@dataclass(frozen=True, eq=False)
class Tap:
    """What a linear layer took in and gave out.

    Attributes:
        layer: the layer.
        inputs: float32, shape (n, layer inputs), detached.
        outputs: float32, shape (n, layer outputs), part of the graph.
    """

    layer: nn.Linear
    inputs: Tensor
    outputs: Tensor


def tapped(head: nn.Module, features: Tensor) -> tuple[Tensor, list[Tap]]:
    """Run a head and keep what each of its linear layers took in and gave out.

    Args:
        head: an image or a text head.
        features: float32, shape (n, features).

    Returns:
        The head's outputs, shape (n, embedding), not normalised, and the taps in the order of layers.
    """
    value, taps = features, []
    for layer in [head] if isinstance(head, nn.Linear) else head.children():
        if isinstance(layer, nn.Linear):
            taken = value.detach()
            value = layer(value)
            taps.append(Tap(layer, taken, value))
        else:
            value = layer(value)
    return value, taps


def clipped_rows(
    taps: list[Tap], loss: Tensor, groups: NDArray[np.int64] | None, clip: float
) -> tuple[list[Tensor], NDArray[np.float64]]:
    """Clip the gradients of groups of rows to a norm over all parameters of both heads.

    Args:
        taps: all taps of the image head, then of the text head.
        loss: the loss, summed over rows.
        groups: int64, shape (n,): rows with the same number are clipped together; None clips nothing.
        clip: the norm C.

    Returns:
        The gradient of the loss in each tap's outputs, float64, scaled row by row, so that the clipped
        gradient of a group is the sum of its rows' outer products with the tap's inputs; and the groups'
        norms before clipping, float64, in the order of their numbers (empty where nothing is clipped).
    """
    gradients = list(torch.autograd.grad(loss, [tap.outputs for tap in taps]))
    if groups is None:
        return [gradient.double() for gradient in gradients], np.empty(0)
    gradients = _cut_rows(taps, gradients, LARGEST_ROW * clip)
    numbers, member = np.unique(groups, return_inverse=True)
    squared, members = np.zeros(len(numbers)), _Groups(member, len(numbers))
    for tap, gradient in zip(taps, gradients, strict=True):
        _add_squared_norms(tap, gradient, members, squared)
    norms = np.sqrt(np.maximum(squared, 0))
    factor = clip * (1 - _ROUNDING) / np.maximum(norms, clip)
    scale = torch.from_numpy(factor[member])[:, None]
    return [gradient.double() * scale for gradient in gradients], norms


def clipped_sum(
    heads: HeadPair,
    taps: list[Tap],
    loss: Tensor,
    groups: NDArray[np.int64] | None,
    clip: float,
) -> tuple[list[Tensor], NDArray[np.float64]]:
    """Sum the gradients of groups of rows, each clipped to a norm over all parameters of both heads.

    Args:
        heads: the heads that gave the taps.
        taps: all taps of the image head, then of the text head.
        loss: the loss, summed over rows.
        groups: as in `clipped_rows`.
        clip: the norm C.

    Returns:
        A float64 tensor per parameter, in the order of `heads.parameters()`, and the norms that
        `clipped_rows` gives.
    """
    gradients, norms = clipped_rows(taps, loss, groups, clip)
    sums = {}
    for tap, gradient in zip(taps, gradients, strict=True):
        sums[tap.layer.weight] = gradient.T @ tap.inputs.double()
        if tap.layer.bias is not None:
            sums[tap.layer.bias] = gradient.sum(0)
    return [sums[parameter] for parameter in heads.parameters()], norms


def _cut_rows(taps: list[Tap], gradients: list[Tensor], largest: float) -> list[Tensor]:
    """Scale rows of a larger gradient down to `largest`, and drop those that are not numbers."""
    squared = torch.zeros(len(gradients[0]), dtype=torch.float64)
    for tap, gradient in zip(taps, gradients, strict=True):
        inputs = tap.inputs.double().square().sum(1) + float(tap.layer.bias is not None)
        squared += gradient.double().square().sum(1) * inputs
    norms = squared.sqrt()
    if bool((norms <= largest).all()):  # false for what is not a number, too
        return gradients
    scale = (largest / norms.clamp(min=largest)).nan_to_num(0.0)[:, None]
    return [(gradient.double().nan_to_num(0.0, 0.0, 0.0) * scale).float() for gradient in gradients]


def _add_squared_norms(tap: Tap, gradient: Tensor, groups: "_Groups", squared: NDArray[np.float64]) -> None:
    """Add each group's squared gradient norm in one layer, in float64: gradients may cancel in a group."""
    bias = float(tap.layer.bias is not None)
    outputs, inputs = gradient.shape[1], tap.inputs.shape[1]
    few = groups.sizes * (outputs + inputs) <= outputs * inputs
    g, a = gradient.contiguous(), tap.inputs.contiguous()
    small = np.flatnonzero(few)
    add_squared_norms(g.numpy(), a.numpy(), bias, groups.order, groups.start, small, squared)
    for number in np.flatnonzero(~few):
        # Above a few rows, the gradient itself is smaller than the products of all pairs of rows.
        rows = groups.order[groups.start[number] : groups.start[number + 1]]
        outer, inner = g[rows].double(), a[rows].double()
        squared[number] += float((outer.T @ inner).square().sum() + bias * outer.sum(0).square().sum())


class _Groups:
    """Rows group by group: `order[start[u]:start[u + 1]]` are those of group u."""

    def __init__(self, member: NDArray[np.int64], count: int) -> None:
        self.order = np.argsort(member, kind="stable")
        self.sizes = np.bincount(member, minlength=count)
        self.start = np.concatenate([[0], np.cumsum(self.sizes)])
