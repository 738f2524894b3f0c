"""GELU with dropout on top, the middle of an MLP head, in as few passes over memory as there can be."""

from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor, nn

_gelu = torch.ops.aten.gelu
_gelu_backward = torch.ops.aten.gelu_backward


class DroppedGelu(nn.Module):
    """GELU, of whose values a share is dropped while training and the others are scaled up.

    torch's own dropout draws its mask on a CPU number by number, a fifth of a training step. Here a mask has
    16 random bits a value, drawn in bulk, so the share is rounded to a multiple of 2⁻¹⁶. The generator starts
    from torch's, whose state alone so decides every mask.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.random: np.random.Generator | None = None

    def forward(self, values: Tensor) -> Tensor:
        """Activate, and drop while training."""
        if not self.training or self.share == 0:
            return nn.functional.gelu(values)
        if values.device.type != "cpu":
            return nn.functional.dropout(nn.functional.gelu(values), self.share)
        if self.random is None:
            self.random = np.random.Generator(np.random.SFC64(int(torch.randint(2**62, ()))))
        words = self.random.integers(0, 2**64, -(-values.numel() // 4), dtype=np.uint64)
        below = np.uint16(min(round(self.share * 2**16), 2**16 - 1))
        dropped: Tensor = _DroppedGelu.apply(values, words.view(np.uint16), below)  # type: ignore[no-untyped-call]
        return dropped


class _DroppedGelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, bits: Any, below: np.uint16) -> Tensor:
        ctx.save_for_backward(values)
        ctx.mask = bits, below
        return _thin(_gelu(values.contiguous()), bits, below)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (values,) = ctx.saved_tensors
        return _thin(_gelu_backward(gradients[0].contiguous(), values.contiguous()), *ctx.mask), None, None


def _thin(values: Tensor, bits: Any, below: np.uint16) -> Tensor:
    """Drop values where they stand."""
    flat = values.view(-1).numpy()
    _keep(flat, bits, below, flat.dtype.type(2**16 / (2**16 - int(below))))
    return values


@njit(nogil=True, cache=True)
def _keep(values, bits, below, scale):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    nothing = scale * 0  # of the values' own type, or else each is widened on its way
    for i in range(len(values)):
        values[i] = values[i] * scale if bits[i] >= below else nothing
