"""A random image head: the baseline that shows what a linear probe on images cannot see.

A random linear image of features keeps nearly all that a linear probe finds in them, so the probe's area
hardly moves; yet by cosine no image finds a report any more. An attacker who realigns finds them as before.
"""

import copy

import torch

from relinkage.encoders.heads import HeadPair


@torch.no_grad()
def with_random_image_head(heads: HeadPair, seed: int) -> HeadPair:
    """Return heads whose image side has Gaussian weight matrices of the same shapes and sizes.

    A matrix keeps its root mean square; biases and norms stay as they are, and so does the text side.

    Args:
        heads: stay as they are.
        seed: of the weights.
    """
    made = copy.deepcopy(heads)
    generator = torch.Generator().manual_seed(seed)
    for weight in made.image.parameters():
        if weight.ndim > 1:
            size = weight.double().square().mean().sqrt()
            weight.copy_(size * torch.randn(weight.shape, generator=generator, dtype=torch.float64))
    return made.eval()
