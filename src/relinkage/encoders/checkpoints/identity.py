"""The head of a tower that ends in the shared space itself: the identity matrix.

It gives what the model gives, and training can start from it as from any other linear head.
"""

import torch
from torch import Tensor

from relinkage.encoders.checkpoints.places import Layer, Place

_NAME = "identity.{}.weight"


def identity_place(side: str, width: int) -> tuple[Place, dict[str, Tensor]]:
    """Give a place for the identity matrix among a checkpoint's tensors, and the tensor.

    Args:
        side: `image` or `text`.
        width: width of the tower's output, which is that of the shared space.
    """
    name = _NAME.format(side)
    return Place(side, (Layer(name, None, width, width),)), {name: torch.eye(width)}
