"""Weighted cross-entropies over one table of logits, with their gradient worked out beside the value.

A batch's n × n table does not fit a core's cache, so what is done to it costs what reading it costs: what
lies between two matrix products is put into few passes.
"""

from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor

_ONE_TABLE = {torch.float32: 60.0, torch.float64: 500.0}
"""The spread of logits up to which one highest value serves all rows and columns without underflow."""


class CrossEntropies(torch.autograd.Function):
    """(whole/2)·(mean of both directions' log-sums) − (clip/n)·Σ_i s_ii/τ − Σ_ij w_ij s_ij/τ.

    Here w_ij = (whole − clip)/(2n) · p_ij (1/Σ_k p_ik + 1/Σ_k p_jk) for positives p, symmetric. Pairs off the
    diagonal that are `same` leave all sums. Everything is on the CPU, in single or double precision.
    """

    @staticmethod
    def forward(
        ctx: Any, images: Tensor, texts: Tensor, temperature: float, clip: float, whole: float,
        positives: Tensor | None, same: Tensor | None,
    ) -> Tensor:  # fmt: skip
        """Give the value; `ctx` keeps the gradient by the logits."""
        n = len(images)
        logits = (images / temperature) @ texts.T
        low, high = (edge.item() for edge in logits.aminmax())
        number = logits.numpy().dtype.type
        nobody = np.zeros((n, n), bool)
        relations = (
            nobody if positives is None else positives.detach().contiguous().numpy(),
            nobody if same is None else same.contiguous().numpy(),
            np.empty(n, number),
        )
        half = np.zeros(n, number)  # w_ij = p_ij (half_i + half_j)
        if positives is not None:
            _halve(*relations, number((whole - clip) / (2 * n)), half)
        own = number(clip / n)
        wanted = _weigh(logits.numpy(), *relations, half, own, number(high), number(-np.inf))
        if high - low > _ONE_TABLE[logits.dtype]:  # a sum of exponentials less the highest could be 0
            by_row, by_column = logits.logsumexp(1), logits.logsumexp(0)
            table = (logits - by_row[:, None]).exp_() + (logits - by_column).exp_()
            sums = by_row.mean() + by_column.mean()
            scales = np.full((2, n), whole / (4 * n), number)
        else:
            table = logits.exp_()
            by_row, by_column = table.sum(1), table.sum(0)
            sums = by_row.log().mean() + by_column.log().mean()
            scales = (whole / (2 * n) / torch.stack([by_row, by_column])).numpy()
        _differentiate(table.numpy(), *relations, half, own, *scales)
        ctx.save_for_backward(images, texts, table)
        ctx.temperature = temperature
        return whole / 2 * (sums + 2 * high) - wanted

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Give the gradients by images and texts."""
        images, texts, table = ctx.saved_tensors
        scale = gradients[0] / ctx.temperature
        return table @ (texts * scale), table.T @ (images * scale), None, None, None, None, None


def equal(values: Tensor) -> Tensor:
    """Give who has the same value: bool, shape (n, n).

    Args:
        values: shape (n,); NaN is equal to nothing, itself included.
    """
    out = torch.empty(len(values), len(values), dtype=torch.bool)
    _equal(values.detach().contiguous().numpy(), out.numpy())
    return out


@njit(nogil=True, cache=True)
def _equal(values, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for i in range(len(values)):
        value = values[i]
        for j in range(len(values)):
            out[i, j] = values[j] == value


# Tables are in memory and a row of them in a core's first cache: so what positives and `same` say is put
# together row by row, in `relation`, as often as it is asked for. Loops that only map and loops that only sum
# are apart, for that is what wide instructions are made of.


@njit(nogil=True, cache=True, inline="always")
def _relate(positives, same, i, mark, relation):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Fill in p_ij, or a mark where i and j are the same but no mates."""
    for j in range(len(relation)):
        relation[j] = positives[i, j]
    own = relation[i]
    for j in range(len(relation)):
        relation[j] = mark if same[i, j] else relation[j]
    relation[i] = own


@njit(nogil=True, cache=True, fastmath={"reassoc"})
def _halve(positives, same, relation, weight, half):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Fill in weight / Σ_k p_ik."""
    nothing = weight * 0
    for i in range(len(half)):
        _relate(positives, same, i, nothing, relation)
        total = nothing
        for j in range(len(half)):
            total += relation[j]
        half[i] = weight / total


@njit(nogil=True, cache=True, fastmath={"reassoc"})
def _weigh(logits, positives, same, relation, half, own, high, never):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Give Σ_ij (w_ij + [i = j] own) l_ij, and leave l_ij − high, or `never` where i, j leave the sums."""
    nothing = own * 0
    mark, wanted = nothing - 1, 0.0
    for i in range(len(half)):
        _relate(positives, same, i, mark, relation)
        row, mine, total = logits[i], half[i], own * logits[i, i]
        for j in range(len(half)):
            total += max(relation[j], nothing) * (mine + half[j]) * row[j]
        for j in range(len(half)):
            row[j] = never if relation[j] < 0 else row[j] - high
        wanted += total
    return wanted


@njit(nogil=True, cache=True)
def _differentiate(table, positives, same, relation, half, own, by_row, by_column):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Leave the gradient by the logits: e_ij (by_row_i + by_column_j) − w_ij − [i = j] own."""
    nothing = own * 0
    for i in range(len(half)):
        _relate(positives, same, i, nothing, relation)
        row, mine, scale = table[i], half[i], by_row[i]
        for j in range(len(half)):
            row[j] = row[j] * (scale + by_column[j]) - relation[j] * (mine + half[j])
        row[i] -= own
