"""GELU with dropout on top, the middle of an MLP head, in as few passes over memory as there can be."""

from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from relinkage.compiled import compiled
from relinkage.exponential import exponential


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

    def train(self, mode: bool = True) -> Self:
        """Switch; the generator starts here, so that modules used side by side keep the order of theirs."""
        if mode and self.share > 0:
            self._generator()
        return super().train(mode)

    def _generator(self) -> np.random.Generator:
        if self.random is None:
            self.random = np.random.Generator(np.random.SFC64(int(torch.randint(2**62, ()))))
        return self.random

    def forward(self, values: Tensor) -> Tensor:
        """Activate, and drop while training."""
        if not self.training or self.share == 0:
            return nn.functional.gelu(values)
        if values.device.type != "cpu" or values.dtype != torch.float32:
            return nn.functional.dropout(nn.functional.gelu(values), self.share)
        words = self._generator().integers(0, 2**64, -(-values.numel() // 4), dtype=np.uint64)
        below = np.uint16(min(round(self.share * 2**16), 2**16 - 1))
        dropped: Tensor = _DroppedGelu.apply(values, words.view(np.uint16), below)  # type: ignore[no-untyped-call]
        return dropped


class _DroppedGelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, bits: Any, below: np.uint16) -> Tensor:
        values = values.contiguous()
        made, slope = torch.empty_like(values), torch.empty_like(values)
        scale = np.float32(2**16 / (2**16 - int(below)))
        flat = [part.view(-1).numpy() for part in (values, made, slope)]
        _activate(flat[0], flat[1], flat[2], bits, below, scale)
        ctx.save_for_backward(slope)
        return made

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        return gradients[0] * slope, None, None


# Single precision throughout: a wider number on the way would halve what one instruction does.
_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_DENSITY = np.float32(1 / np.sqrt(2 * np.pi))
_TAIL = tuple(np.float32(c / 2) for c in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592))
_TAIL_AT = np.float32(0.3275911 / np.sqrt(2))
"""Φ(−a) = q(1 / (1 + 0.3275911 a/√2)) e^(−a²/2) for a ≥ 0, to 0.75e-7 (Abramowitz and Stegun, 7.1.26)."""


@compiled(fastmath={"contract", "reassoc", "arcp"}, error_model="numpy")
def _activate(values, made, slope, bits, below, scale):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Fill in GELU and its derivative, both scaled where a value is kept and 0 where it is dropped."""
    for i in range(len(values)):
        value = values[i]
        bell = exponential(-_HALF * value * value)
        t = _ONE / (_ONE + _TAIL_AT * abs(value))
        tail = ((((_TAIL[0] * t + _TAIL[1]) * t + _TAIL[2]) * t + _TAIL[3]) * t + _TAIL[4]) * t * bell
        below_value = tail if value < _ZERO else _ONE - tail
        kept = scale if bits[i] >= below else _ZERO
        made[i] = value * below_value * kept
        slope[i] = (below_value + value * bell * _DENSITY) * kept
