"""Objectives that pull an image and its report together in the shared space."""

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
    logits = images @ texts.T / temperature
    if same is not None:
        others = same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)
        logits = logits.masked_fill(others, -torch.inf)
    target = torch.arange(len(logits), device=logits.device)
    return (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2
