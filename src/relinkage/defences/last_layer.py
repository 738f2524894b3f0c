"""A matrix put behind a head, by way of its last layer, which is linear in every kind of head."""

import torch
from torch import Tensor, nn


@torch.no_grad()
def put_behind(head: nn.Module, matrix: Tensor) -> None:
    """Let a head give M·z where it gave z, in place.

    Args:
        head: one of `encoders.heads`: it ends in a linear layer.
        matrix: M, shape (embedding, embedding).
    """
    last = [layer for layer in head.modules() if isinstance(layer, nn.Linear)][-1]
    last.weight.copy_((matrix.double() @ last.weight.double()).float())
    if last.bias is not None:
        last.bias.copy_((matrix.double() @ last.bias.double()).float())
