"""Dropout with a mask of 16 random bits a value, drawn in bulk."""

from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor, nn


class Dropout(nn.Module):
    """Drop a share of the values while training, and scale up what is kept.

    torch's own draws its mask on a CPU number by number, a fifth of a training step. The share is rounded to
    a multiple of 2⁻¹⁶. The generator starts from torch's, whose state alone so decides every mask.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.random: np.random.Generator | None = None

    def forward(self, values: Tensor) -> Tensor:
        """Drop values while training; give them back as they are otherwise."""
        if not self.training or self.share == 0:
            return values
        if values.device.type != "cpu":
            return nn.functional.dropout(values, self.share)
        if self.random is None:
            self.random = np.random.Generator(np.random.SFC64(int(torch.randint(2**62, ()))))
        words = self.random.integers(0, 2**64, -(-values.numel() // 4), dtype=np.uint64)
        below = min(round(self.share * 2**16), 2**16 - 1)
        dropped: Tensor = _Drop.apply(values, words.view(np.uint16), below)  # type: ignore[no-untyped-call]
        return dropped


class _Drop(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, bits: Any, below: int) -> Tensor:
        ctx.bits, ctx.below = bits, below
        return _thinned(values, bits, below)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return _thinned(gradients[0], ctx.bits, ctx.below), None, None


def _thinned(values: Tensor, bits: Any, below: int) -> Tensor:
    flat = values.detach().contiguous().view(-1)
    out = torch.empty_like(flat)
    _keep(flat.numpy(), bits, below, flat.numpy().dtype.type(2**16 / (2**16 - below)), out.numpy())
    return out.view(values.shape)


@njit(nogil=True, cache=True)
def _keep(values, bits, below, scale, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for i in range(len(values)):
        out[i] = values[i] * scale if bits[i] >= below else 0
