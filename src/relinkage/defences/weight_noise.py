"""Isotropic noise on the weights of finished heads: as DP adds it, without training or proof."""

import copy
import math

import torch

from relinkage.encoders.heads import HeadPair


@torch.no_grad()
def with_weight_noise(heads: HeadPair, amount: float, seed: int) -> HeadPair:
    """Give heads with Gaussian noise on every weight.

    The noise is the same in all directions of a head's weights, and on average as long as `amount` times all
    of them together: θ + amount · ‖θ‖/√n · g, with g standard normal in n dimensions.

    Args:
        heads: stay as they are.
        amount: 0 for none; 1 for noise of the weights' own norm.
        seed: of the noise.
    """
    noisy = copy.deepcopy(heads)
    generator = torch.Generator().manual_seed(seed)
    for head in (noisy.image, noisy.text):
        weights = list(head.parameters())
        norm = math.sqrt(sum(float(weight.double().square().sum()) for weight in weights))
        deviation = amount * norm / math.sqrt(sum(weight.numel() for weight in weights))
        for weight in weights:
            weight.add_(deviation * torch.randn(weight.shape, generator=generator))
    return noisy.eval()
