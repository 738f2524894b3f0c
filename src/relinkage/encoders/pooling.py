"""How one vector is taken from the vectors of a text's tokens.

Each takes vectors (n, tokens, width) and the mask (n, tokens), 1 on tokens and 0 on padding, which follows
them, and gives (n, width).
"""

from collections.abc import Callable

import torch
from torch import Tensor

Pool = Callable[[Tensor, Tensor], Tensor]


def first_token(vectors: Tensor, mask: Tensor) -> Tensor:
    """Take the vector of the first token, such as `[CLS]`."""
    return vectors[:, 0]


def last_token(vectors: Tensor, mask: Tensor) -> Tensor:
    """Take the vector of the last token before padding, such as `[SEP]`."""
    return vectors[torch.arange(len(mask), device=mask.device), (mask.sum(1) - 1).clamp(min=0)]


def mean_token(vectors: Tensor, mask: Tensor) -> Tensor:
    """Average the vectors, padding left out."""
    return _sum(vectors, mask) / mask.sum(1, keepdim=True).clamp(min=1)


def mean_token_by_root(vectors: Tensor, mask: Tensor) -> Tensor:
    """Add the vectors up, padding left out, and divide by the square root of their number."""
    return _sum(vectors, mask) / mask.sum(1, keepdim=True).clamp(min=1).sqrt()


def mean_token_by_place(vectors: Tensor, mask: Tensor) -> Tensor:
    """Average the vectors, padding left out, each with the weight of its place, from 1."""
    weights = mask * torch.arange(1, mask.shape[1] + 1, device=mask.device)
    return _sum(vectors, weights) / weights.sum(1, keepdim=True).clamp(min=1)


def largest(vectors: Tensor, mask: Tensor) -> Tensor:
    """Take the largest value of each dimension, padding left out."""
    return vectors.masked_fill(mask.unsqueeze(-1) == 0, -1e9).amax(1)


def _sum(vectors: Tensor, weights: Tensor) -> Tensor:
    return (vectors * weights.unsqueeze(-1).to(vectors.dtype)).sum(1)
