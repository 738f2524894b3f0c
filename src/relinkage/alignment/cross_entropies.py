"""Weighted cross-entropies over one table of logits, with their gradient worked out beside the value.

A batch's n × n table does not fit a core's cache, so what is done to it costs what reading it costs: what
lies between two matrix products is put into few passes.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from relinkage.alignment.side_by_side import Both
from relinkage.compiled import compiled
from relinkage.exponential import exponential

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
        positives: Tensor | None, same: Tensor | None, both: Both,
    ) -> Tensor:  # fmt: skip
        """Give the value; `ctx` keeps the gradients by images and texts."""
        n = len(images)
        images, texts = images.detach() / temperature, texts.detach()
        positive = _table(positives, n)
        left = _table(same, n)
        parts = slice(0, n // 2), slice(n // 2, n)
        halves = [_Half(images, texts, rows, positive, left) for rows in parts]
        both(lambda k: halves[k].weigh())
        highest, lowest = max(half.high for half in halves), min(half.low for half in halves)
        if highest - lowest > _ONE_TABLE[images.dtype]:
            table, logarithms = _by_logarithms(images, texts, left)
            for half in halves:
                half.table = table[half.rows]
                even = np.full(n, whole / (4 * n), half.number)
                half.scales = even[: len(half.table)], even
        else:
            # A half's exponentials are of what its own highest logit leaves.
            shifts = [half.number(np.exp(half.high - highest)) for half in halves]
            columns = sum(shift * half.by_column[0] for shift, half in zip(shifts, halves, strict=True))
            logarithms = 2 * highest + np.log(columns).mean(dtype=float)
            for shift, half in zip(shifts, halves, strict=True):
                logarithms += np.log(half.by_row[0] * shift).sum(dtype=float) / n
                scale = half.number(whole / (2 * n))
                half.scales = scale / half.by_row[0], scale * shift / columns
        weight = np.zeros(n, halves[0].number)  # w_ij = p_ij (weight_i + weight_j)
        if positives is not None:
            weight += (whole - clip) / (2 * n) / np.concatenate([half.by_row[1] for half in halves])
        pulled = np.concatenate([half.by_row[2] for half in halves])
        wanted = weight @ (pulled + halves[0].by_column[1] + halves[1].by_column[1])
        if any(ctx.needs_input_grad):
            (upper, by_text), (lower, by_text_too) = both(
                lambda k: halves[k].differentiate(weight, halves[k].number(clip / n))
            )
            ctx.save_for_backward(torch.cat([upper, lower]) / temperature, by_text + by_text_too)
        value = whole / 2 * logarithms - wanted - clip / n * (halves[0].mates + halves[1].mates)
        return images.new_tensor(value)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Give the gradients by images and texts."""
        images, texts = (slope * gradients[0] for slope in ctx.saved_tensors)
        return images, texts, None, None, None, None, None, None


class _Half:
    """Some rows of the table: logits, then exponentials, then the gradient, in one place."""

    def __init__(
        self, images: Tensor, texts: Tensor, rows: slice, positive: NDArray[Any], left: NDArray[np.bool_]
    ) -> None:
        self.images, self.texts, self.rows = images[rows], texts, rows
        self.table = images.new_empty(len(self.images), len(texts))
        self.number = self.table.numpy().dtype.type
        # What compiled loops ask for: relations of these rows, where the diagonal begins, room for one row.
        self.relations = positive[rows], left[rows], rows.start, np.empty(len(texts), self.number)
        # Σe, Σp and Σpl of each row; Σe and Σpl of each column over these rows: see `_weigh`.
        self.by_row = np.empty((3, len(self.images)), self.number)
        self.by_column = np.zeros((2, len(texts)), self.number)
        self.low, self.high, self.mates = np.inf, -np.inf, 0.0
        self.scales: tuple[NDArray[Any], ...] = ()
        """What an exponential is multiplied by in the gradient, for its row and for its column."""

    def weigh(self) -> None:
        """Multiply, and put exponentials and their sums in the logits' place."""
        if len(self.images) == 0:
            return
        torch.mm(self.images, self.texts.T, out=self.table)
        self.low, self.high = (edge.item() for edge in self.table.aminmax())
        sums = self.number(self.high), self.by_row, self.by_column
        self.mates = _weigh(self.table.numpy(), *self.relations, *sums)

    def differentiate(self, weight: NDArray[Any], own: np.floating) -> tuple[Tensor, Tensor]:
        """Give these rows' gradients by their images and by all texts."""
        _differentiate(self.table.numpy(), *self.relations, weight, own, *self.scales)
        return self.table @ self.texts, self.table.T @ self.images


def _table(relation: Tensor | None, n: int) -> NDArray[Any]:
    return np.zeros((n, n), bool) if relation is None else relation.detach().contiguous().numpy()


def _by_logarithms(images: Tensor, texts: Tensor, left: NDArray[np.bool_]) -> tuple[Tensor, float]:
    """Give the sum of both directions' softmaxes and of their mean log-sums, where exponentials may be 0."""
    away = torch.from_numpy(left).clone().fill_diagonal_(False)
    logits = (images @ texts.T).masked_fill_(away, -torch.inf)
    by_row, by_column = logits.logsumexp(1), logits.logsumexp(0)
    table = (logits - by_row[:, None]).exp_() + (logits - by_column).exp_()
    return table, (by_row.mean() + by_column.mean()).item()


def equal(values: Tensor) -> Tensor:
    """Give who has the same value: bool, shape (n, n).

    Args:
        values: shape (n,); NaN is equal to nothing, itself included.
    """
    out = torch.empty(len(values), len(values), dtype=torch.bool)
    _equal(values.detach().contiguous().numpy(), out.numpy())
    return out


@compiled
def _equal(values, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for i in range(len(values)):
        value = values[i]
        for j in range(len(values)):
            out[i, j] = values[j] == value


# Tables are in memory and a row of them in a core's first cache: so what positives and `same` say is put
# together row by row, in `relation`, as often as it is asked for. Loops that only map and loops that only sum
# are apart, for that is what wide instructions are made of.


@compiled(inline="always")
def _relate(positives, same, i, diagonal, mark, relation):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Fill in p_ij, or a mark where i and j are the same but no mates."""
    for j in range(len(relation)):
        relation[j] = positives[i, j]
    own = relation[diagonal]
    for j in range(len(relation)):
        relation[j] = mark if same[i, j] else relation[j]
    relation[diagonal] = own


@compiled(fastmath={"contract", "reassoc"})
def _weigh(logits, positives, same, start, relation, high, by_row, by_column):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Leave e_ij = exp(l_ij − high), 0 where i, j leave the sums; give Σ_i l_ii.

    `by_row` is filled with Σ_j e_ij, Σ_j p_ij and Σ_j p_ij l_ij; Σ_i e_ij and Σ_i p_ij l_ij are added to
    `by_column`.
    """
    nothing = high * 0
    mark, mates = nothing - 1, 0.0
    for i in range(len(logits)):
        _relate(positives, same, i, start + i, mark, relation)
        row = logits[i]
        mates += row[start + i]
        shares, pulled, total = nothing, nothing, nothing
        for j in range(len(row)):
            share = max(relation[j], nothing)
            shares += share
            pulled += share * row[j]
            by_column[1, j] += share * row[j]
        for j in range(len(row)):
            row[j] = exponential(row[j] - high)
        for j in range(len(row)):
            row[j] = nothing if relation[j] < 0 else row[j]
            total += row[j]
            by_column[0, j] += row[j]
        by_row[0, i], by_row[1, i], by_row[2, i] = total, shares, pulled
    return mates


@compiled
def _differentiate(table, positives, same, start, relation, weight, own, by_row, by_column):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Leave the gradient by the logits: e_ij (by_row_i + by_column_j) − w_ij − [i = j] own."""
    nothing = own * 0
    for i in range(len(table)):
        _relate(positives, same, i, start + i, nothing, relation)
        row, mine, scale = table[i], weight[start + i], by_row[i]
        for j in range(len(weight)):
            row[j] = row[j] * (scale + by_column[j]) - relation[j] * (mine + weight[j])
        row[start + i] -= own
