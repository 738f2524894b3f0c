"""Training projection heads on cached features; the encoders stay frozen."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from relinkage.alignment.objectives import infonce
from relinkage.encoders.heads import HeadPair, HeadSpec, Kind
from relinkage.errors import InputError
from relinkage.progress import progress

Objective = Literal["infonce"]


@dataclass(frozen=True)
class AlignSettings:
    """The choices of a head training.

    Attributes:
        objective: what is minimised.
        head: `linear`, or `mlp` with one hidden layer.
        dimension: width of the shared space.
        hidden: width of the hidden layer of an `mlp`.
        dropout: of an `mlp`.
        temperature: τ of the objective.
        steps: optimiser steps; where not given, ten passes over the data and at least 300 steps.
        batch: pairs per step; all of them where there are fewer.
        learning_rate: of AdamW, after a short warm-up, then falling along a cosine to zero.
        weight_decay: of AdamW.
        same_patient_negatives: let a patient's own other pairs be negatives of each other.
        seed: of initial weights, batches and dropout.
    """

    objective: Objective = "infonce"
    head: Kind = "linear"
    dimension: int = 64
    hidden: int = 512
    dropout: float = 0.1
    temperature: float = 0.07
    steps: int | None = None
    batch: int = 1024
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    same_patient_negatives: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for option, value, good in (
            ("--objective", self.objective, self.objective in get_args(Objective)),
            ("--head", self.head, self.head in get_args(Kind)),
            ("--dimension", self.dimension, self.dimension >= 1),
            ("--hidden", self.hidden, self.hidden >= 1),
            ("--dropout", self.dropout, 0 <= self.dropout < 1),
            ("--temperature", self.temperature, self.temperature > 0),
            ("--steps", self.steps, self.steps is None or self.steps >= 1),
            ("--batch", self.batch, self.batch >= 2),
            ("--lr", self.learning_rate, self.learning_rate > 0),
            ("--weight-decay", self.weight_decay, self.weight_decay >= 0),
        ):
            if not good:
                raise InputError(f"{option} {value} is out of range; see `relinkage align --help`.")


@dataclass(frozen=True)
class TrainedHeads:
    """Heads and how their training went.

    Attributes:
        heads: in evaluation mode.
        losses: float64, shape (steps,): the objective at each step.
    """

    heads: HeadPair
    losses: NDArray[np.float64]


def train_heads(
    images: NDArray[np.float32],
    texts: NDArray[np.float32],
    patient: NDArray[np.int64],
    settings: AlignSettings,
) -> TrainedHeads:
    """Train a pair of heads so that an image's embedding lies next to its report's.

    Features are standardised with the training pairs' mean and deviation, which are folded into the heads'
    first layers at the end, so that heads take features as they are.

    Args:
        images: float32, shape (n, image features).
        texts: float32, shape (n, text features); row i belongs to image i.
        patient: int64, shape (n,): a number per patient.
        settings: the choices.

    Raises:
        InputError: there are fewer than two patients to tell apart.
    """
    if len(np.unique(patient)) < 2:
        raise InputError("Training needs pairs of at least two patients; name a larger split with --train.")
    # Own generators, so that neither the caller's random state nor the number of threads plays a part.
    random = torch.Generator().manual_seed(settings.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        heads = HeadPair(_spec(settings, images.shape[1]), _spec(settings, texts.shape[1]))
        losses = _optimise(heads, images, texts, torch.tensor(patient), settings, random)
    return TrainedHeads(heads.eval(), losses)


def _optimise(
    heads: HeadPair,
    images: NDArray[np.float32],
    texts: NDArray[np.float32],
    patient: Tensor,
    settings: AlignSettings,
    random: torch.Generator,
) -> NDArray[np.float64]:
    image_features, image_scale = _standardise(images)
    text_features, text_scale = _standardise(texts)
    n = len(images)
    batch = min(settings.batch, n)
    steps = settings.steps or max(300, 10 * n // batch)
    optimiser = torch.optim.AdamW(
        heads.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    # Of ten steps or fewer a tenth is a warm-up of no length, by which OneCycleLR would divide.
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        settings.learning_rate,
        total_steps=steps,
        pct_start=0.1 if steps > 10 else 0.0,
        cycle_momentum=False,
    )
    losses = np.empty(steps)
    order, position = torch.randperm(n, generator=random), 0
    heads.train()
    with progress(steps, "aligning", "steps") as bar:
        for step in range(steps):
            if position + batch > n:
                order, position = torch.randperm(n, generator=random), 0
            rows = order[position : position + batch]
            position += batch
            same = None
            if not settings.same_patient_negatives:
                same = patient[rows, None] == patient[rows]
            loss = infonce(
                heads.embed_images(image_features[rows]),
                heads.embed_texts(text_features[rows]),
                settings.temperature,
                same,
            )
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
            losses[step] = loss.item()
            bar.update()
    with torch.no_grad():
        _fold(heads.image, *image_scale)
        _fold(heads.text, *text_scale)
    return losses


def _spec(settings: AlignSettings, features: int) -> HeadSpec:
    mlp = settings.head == "mlp"
    return HeadSpec(
        kind=settings.head,
        features=features,
        embedding=settings.dimension,
        bias=True,
        hidden=settings.hidden if mlp else 0,
        dropout=settings.dropout if mlp else 0.0,
    )


def _standardise(features: NDArray[np.float32]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Centre features and scale them to unit deviation; a feature that never changes is only centred."""
    mean = features.mean(axis=0, dtype=np.float64)
    deviation = features.std(axis=0, dtype=np.float64)
    deviation[deviation < 1e-6 * max(deviation.max(), 1e-30)] = 1.0
    scaled = ((features - mean) / deviation).astype(np.float32)
    return torch.from_numpy(scaled), (torch.from_numpy(mean), torch.from_numpy(deviation))


def _fold(head: torch.nn.Module, mean: Tensor, deviation: Tensor) -> None:
    """Let a head take raw features: W((x − m)/s) + c = (W/s)x + (c − (W/s)m)."""
    first = head if isinstance(head, torch.nn.Linear) else head[0]  # type: ignore[index]
    weight = first.weight.double() / deviation
    first.bias.copy_((first.bias.double() - weight @ mean).float())
    first.weight.copy_(weight.float())
