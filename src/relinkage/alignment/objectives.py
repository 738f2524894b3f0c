"""Objectives that pull an image and its report together in the shared space, alone or by their class.

A batch has n images and their n reports, all of unit length. The contrastive ones look at the same n × n
logits s_ij / τ, an image against every report of the batch and a report against every image.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def infonce(images: Tensor, texts: Tensor, temperature: float, same: Tensor | None = None) -> Tensor:
    """Symmetric InfoNCE over a batch: the mean of both directions' cross-entropies (Radford et al. 2021).

    Args:
        images: float, shape (n, d), unit vectors.
        texts: float, shape (n, d), unit vectors; row i is the mate of image i.
        temperature: τ; similarities are divided by it.
        same: bool, shape (n, n): pairs off the diagonal that are no negatives of each other, such as a
            patient's other studies. They leave both sums.

    Returns:
        The loss, a scalar.
    """
    return contrast(images, texts, temperature, clip=1.0, same=same)


def supcon(
    images: Tensor, texts: Tensor, positives: Tensor, temperature: float, same: Tensor | None = None
) -> Tensor:
    """Supervised contrastive loss between the two modalities (Khosla et al. 2020, equation 2, L_out).

    An anchor's positives are the batch's other side of the same class, not its mate alone: for image i

        −Σ_j w_ij log( e^{s_ij/τ} / Σ_k e^{s_ik/τ} ),  Σ_j w_ij = 1,

    and the same for every report; the mean of both directions. With every class distinct this is `infonce`.

    Args:
        images: float, shape (n, d), unit vectors.
        texts: float, shape (n, d), unit vectors; row i is the mate of image i.
        positives: float, shape (n, n), symmetric, not negative: how much of a class i and j share. A pair
            and its own report share all of it.
        temperature: τ.
        same: as in `infonce`.

    Returns:
        The loss, a scalar.
    """
    return contrast(images, texts, temperature, supcon=1.0, positives=positives, same=same)


def contrast(
    images: Tensor,
    texts: Tensor,
    temperature: float,
    *,
    clip: float = 0.0,
    supcon: float = 0.0,
    positives: Tensor | None = None,
    same: Tensor | None = None,
) -> Tensor:
    """Weighted sum of `infonce` and `supcon` over one table of logits.

    Both are cross-entropies of the same two softmaxes, so their sum costs what one of them does.

    Args:
        images: as in `infonce`.
        texts: as in `infonce`.
        temperature: τ.
        clip: the weight of `infonce`.
        supcon: the weight of `supcon`.
        positives: as in `supcon`; where its weight is not 0.
        same: as in `infonce`.

    Returns:
        The loss, a scalar.
    """
    shared, others = None, None if same is None else _others(same)
    if supcon and positives is not None:
        shared = positives.to(images, copy=True)
        if others is not None:
            shared[others] = 0
        share = 1 / shared.sum(1)  # of an anchor's positives each; symmetric, so of both directions' anchors
        shared *= (share[:, None] + share).mul_(supcon / (2 * len(images)))
    loss: Tensor = _CrossEntropies.apply(  # type: ignore[no-untyped-call]
        images, texts, temperature, clip, clip + supcon, shared, others
    )
    return loss


class _CrossEntropies(torch.autograd.Function):
    """(whole/2)·(mean of both directions' log-sums) − (clip/n)·Σ_i s_ii/τ − Σ_ij shared_ij s_ij/τ.

    Its gradient by the logits follows from one table of exponentials, so it is worked out beside the value:
    automatic differentiation of two log-sums would take four.
    """

    @staticmethod
    def forward(
        ctx: Any, images: Tensor, texts: Tensor, temperature: float, clip: float, whole: float,
        shared: Tensor | None, others: tuple[Tensor, Tensor] | None,
    ) -> Tensor:  # fmt: skip
        n = len(images)
        logits = (images / temperature) @ texts.T
        wanted = logits.diagonal().sum() * (clip / n)
        if shared is not None:
            wanted += torch.dot(logits.flatten(), shared.flatten())
        low, high = logits.aminmax()
        if high - low > _ONE_TABLE[logits.dtype]:  # a sum of exponentials less the highest could be 0
            table, rows, columns = _two_tables(logits, others)
        else:
            table = logits.sub_(high).exp_()
            if others is not None:
                table[others] = 0
            by_row, by_column = table.sum(1), table.sum(0)
            rows, columns = by_row.log() + high, by_column.log() + high
            table.mul_(by_row.reciprocal()[:, None] + by_column.reciprocal())
        gradient = table.mul_(whole / (2 * n))
        gradient.diagonal().sub_(clip / n)
        if shared is not None:
            gradient.sub_(shared)
        ctx.save_for_backward(images, texts, gradient)
        ctx.temperature = temperature
        return whole / 2 * (rows.mean() + columns.mean()) - wanted

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        images, texts, gradient = ctx.saved_tensors
        scale = gradients[0] / ctx.temperature
        return gradient @ (texts * scale), gradient.T @ (images * scale), None, None, None, None, None


_ONE_TABLE = {torch.float32: 60.0, torch.float64: 500.0, torch.bfloat16: 60.0, torch.float16: 8.0}
"""The spread of logits up to which one highest value serves all rows and columns without underflow."""


def _two_tables(logits: Tensor, others: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor, Tensor]:
    """Give the sum of both directions' softmaxes and their log-sums, each with its own highest values."""
    if others is not None:
        logits[others] = -torch.inf
    rows, columns = logits.logsumexp(1), logits.logsumexp(0)
    return (logits - rows[:, None]).exp_() + (logits - columns).exp_(), rows, columns


def _others(same: Tensor) -> tuple[Tensor, Tensor]:
    """List the pairs off the diagonal that are no negatives, by row and column."""
    rows, columns = same.nonzero(as_tuple=True)
    return rows[rows != columns], columns[rows != columns]


def same_class(classes: Tensor) -> Tensor:
    """Give who shares a class: float, shape (n, n).

    Args:
        classes: float, shape (n,), NaN where the class is not known; then a pair is alone in its class.
    """
    return (classes[:, None] == classes).float().fill_diagonal_(1)


def shared_labels(labels: Tensor) -> Tensor:
    """Give the Jaccard index of label sets: float, shape (n, n), 1 for a pair with itself.

    Args:
        labels: float, shape (n, labels), 0 or 1. Two pairs without any label share their class wholly.
    """
    common, sizes = labels @ labels.T, labels.sum(1)
    either = sizes[:, None] + sizes - common
    return torch.where(either > 0, common / either.clamp(min=1), 1.0).fill_diagonal_(1)


def abnormality_loss(logits: Tensor, abnormal: Tensor) -> Tensor:
    """Binary cross-entropy of normal against abnormal over the rows where it is known; 0 where none is.

    Args:
        logits: float, shape (n,).
        abnormal: float, shape (n,): 1, 0 or NaN.
    """
    known = ~abnormal.isnan()
    if not known.any():
        return logits.sum() * 0
    return functional.binary_cross_entropy_with_logits(logits[known], abnormal[known])
