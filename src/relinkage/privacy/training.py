"""Private training of heads on cached features: sample units, clip, add noise, step."""

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from relinkage.encoders.heads import HeadPair
from relinkage.errors import InputError
from relinkage.privacy.clipping import clipped_sum, tapped
from relinkage.privacy.mechanisms.protocol import Batch, Mechanism
from relinkage.privacy.noise import Coins
from relinkage.privacy.units import Units
from relinkage.progress import progress

LARGEST_FEATURES = 1e4
"""The norm that a row's features are scaled down to where it is larger, in the heads' coordinates.

In these, heads have the norm of the root of their width, so no loss or gradient of a row overflows.
"""


@dataclass(frozen=True, eq=False)
class PrivatePairs:
    """The training pairs, unit by unit.

    Attributes:
        images: float32, shape (n, image features).
        texts: float32, shape (distinct reports, text features).
        report: int64, shape (n,): the row of each pair's report in `texts`.
        labels: float32, shape (n, labels), or None.
        units: which rows stand or fall together.
        scales: what image and text features are multiplied by before they reach the heads.
    """

    images: Tensor
    texts: Tensor
    report: NDArray[np.int64]
    labels: Tensor | None
    units: Units
    scales: tuple[float, float] = (1.0, 1.0)

    def batch(self, chosen: NDArray[np.int64], step: int, coins: Coins, *, one_pair: bool) -> Batch:
        """Give the rows of the chosen units, or one row of each."""
        if one_pair:
            rows, owner = self.units.one_row_of(chosen, coins), np.arange(len(chosen))
        else:
            rows, owner = self.units.rows_of(chosen)
        return Batch(
            _bounded(self.images[rows], self.scales[0]),
            _bounded(self.texts[self.report[rows]], self.scales[1]),
            None if self.labels is None else self.labels[rows],
            owner,
            self.units.key[chosen],
            step,
        )


@dataclass(frozen=True)
class Plan:
    """The public numbers of a private training.

    Attributes:
        rate: q, the sampling probability of a unit at a step.
        steps: how many.
        clip: the norm C that the mechanism clips to.
        noise: deviation of the noise on the clipped sum, in norms C: σ times the sensitivity.
        divisor: what the noisy sum is divided by.
        learning_rate: of gradient descent, falling along a cosine to zero.
    """

    rate: float
    steps: int
    clip: float
    noise: float
    divisor: float
    learning_rate: float


def train_privately(
    heads: HeadPair,
    mechanism: Mechanism,
    pairs: PrivatePairs,
    plan: Plan,
    coins: Coins,
    watch: Callable[[int, list[Tensor]], None] | None = None,
    *,
    quiet: bool = False,
) -> NDArray[np.float64]:
    """Train heads in place by gradient descent on noisy sums of clipped gradients (Abadi et al. 1607.00133).

    Only the heads may be released. The losses are those of the sampled pairs and are not private.

    Args:
        heads: what to train.
        mechanism: the loss and the groups it is clipped in.
        pairs: the private pairs.
        plan: the public numbers.
        coins: who is sampled, and the noise.
        watch: is shown each step's number and noisy sums before the heads move: what the statement covers.
        quiet: shows no progress, for one of many trainings.

    Returns:
        The mean loss of the sampled pairs at each step, float64, shape (steps,); NaN where none were sampled.

    Raises:
        InputError: the training diverged.
    """
    losses = np.full(plan.steps, np.nan)
    parameters = list(heads.parameters())
    with nullcontext() if quiet else progress(plan.steps, "hardening", "steps") as bar:
        for step in range(plan.steps):
            chosen = pairs.units.sample(plan.rate, coins)
            sums = [torch.zeros_like(parameter, dtype=torch.float64) for parameter in parameters]
            if len(chosen):
                batch = pairs.batch(chosen, step, coins, one_pair=mechanism.one_pair)
                sums, losses[step] = private_sum(heads, mechanism, batch, plan.clip)
            rate = plan.learning_rate * (1 + math.cos(math.pi * step / plan.steps)) / 2
            noisy = [_with_noise(total, plan.noise * plan.clip, coins) for total in sums]
            if watch is not None:
                watch(step, noisy)
            with torch.no_grad():
                for parameter, total in zip(parameters, noisy, strict=True):
                    parameter.sub_(rate / (plan.clip * plan.divisor) * total)
            # The noise covers the heads; a loss of private pairs must not decide whether there are any.
            if not all(parameter.isfinite().all() for parameter in parameters):
                raise InputError(f"Training diverged at step {step + 1}; give a smaller --lr.")
            if bar is not None:
                bar.update()
    return losses


def private_sum(
    heads: HeadPair, mechanism: Mechanism, batch: Batch, clip: float
) -> tuple[list[Tensor], float]:
    """Give the sum that noise is added to: of a batch's gradients, clipped as the mechanism says.

    Args:
        heads: the heads as they are at this step.
        mechanism: the loss and its groups.
        batch: the rows of the sampled units.
        clip: the norm C.

    Returns:
        A float64 tensor per parameter, in the order of `heads.parameters()`, and the mean loss of the rows.
    """
    images, image_taps = tapped(heads.image, batch.images)
    texts, text_taps = tapped(heads.text, batch.texts)
    loss = mechanism.loss(images, texts, batch, heads)
    sums, _ = clipped_sum(heads, image_taps + text_taps, loss, mechanism.groups(batch), clip)
    return sums, loss.item() / len(batch.owner)


def _bounded(rows: Tensor, scale: float) -> Tensor:
    """Scale features to the heads' coordinates, larger rows than the largest down to it; rows are changed."""
    norms = torch.linalg.vector_norm(rows, dim=1, dtype=torch.float64) * scale
    if bool((norms <= LARGEST_FEATURES).all()):  # false for what is not a number, too
        return rows.mul_(scale)
    wide = (rows.double() * scale).nan_to_num(0.0, 0.0, 0.0)
    norms = wide.norm(dim=1, keepdim=True).clamp(min=LARGEST_FEATURES)
    return (wide * (LARGEST_FEATURES / norms)).float()


def _with_noise(total: Tensor, deviation: float, coins: Coins) -> Tensor:
    noise = torch.from_numpy(coins.normal(total.numel()).reshape(total.shape))
    return (total.double() + deviation * noise).float()
