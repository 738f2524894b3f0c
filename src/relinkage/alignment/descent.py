"""One side of a head training: features to embeddings, and its parameters' way down."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from relinkage.alignment.features import StandardFeatures
from relinkage.encoders.trained.aligning import AlignSettings


class Descent:
    """AdamW on what one side's embeddings are made of.

    Args:
        embed: from standardised features to unit vectors.
        features: of this side.
        parameters: what this side's steps change.
        settings: learning rate and weight decay.
        steps: how many there will be.
    """

    def __init__(
        self,
        embed: Callable[[Tensor], Tensor],
        features: StandardFeatures,
        parameters: list[nn.Parameter],
        settings: AlignSettings,
        steps: int,
    ) -> None:
        self._embed, self._features = embed, features
        self._rates = iter(learning_rates(settings.lr, steps).tolist())
        self._optimiser = torch.optim.AdamW(
            parameters, lr=settings.lr, weight_decay=settings.weight_decay, fused=True
        )

    def embed(self, rows: Tensor) -> Tensor:
        """Give the embeddings of some rows, float32, shape (rows, d)."""
        return self._embed(self._features.batch(rows.numpy()))

    def step(self, embeddings: Tensor, gradient: Tensor) -> None:
        """Go a step down.

        Args:
            embeddings: what `embed` gave since the last step, with gradients followed.
            gradient: of the objective by them.
        """
        torch.autograd.backward(embeddings, gradient)
        self._optimiser.param_groups[0]["lr"] = next(self._rates)
        self._optimiser.step()
        self._optimiser.zero_grad()


def learning_rates(highest: float, steps: int) -> NDArray[np.float64]:
    """Give each step's learning rate: a tenth of the steps up from a 25th, then down to a 250,000th.

    Both ways run along half a cosine (Smith and Topin 2017, arXiv 1708.07120). Ten steps or fewer have no
    way up.
    """
    top = 0.1 * steps - 1 if steps > 10 else -1.0
    step = np.arange(steps, dtype=np.float64)
    up = step / max(top, 1e-9)
    share = np.where(step <= top, 1 - up, (step - top) / (steps - 1 - top))
    lowest = np.where(step <= top, highest / 25, highest / 250_000)
    return lowest + (highest - lowest) * (1 + np.cos(np.pi * share)) / 2
