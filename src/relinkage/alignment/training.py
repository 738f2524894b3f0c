"""Training projection heads on cached features; the encoders stay frozen."""

import copy
from dataclasses import dataclass

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor, nn

from relinkage.alignment.multi_task import MultiTask, PairLabels
from relinkage.alignment.settings import AlignSettings
from relinkage.encoders.heads import HeadPair, HeadSpec
from relinkage.errors import InputError
from relinkage.progress import progress

_LOOKS = 20
"""How often a training looks at its validation patients, if it has some."""
_LOOKED_AT = 4
"""Batches of their pairs that a look takes: more would cost time and tell little."""
_HEAP = 31 << 20
"""Bytes; glibc takes larger blocks from the system each time."""


@dataclass(frozen=True)
class TrainedHeads:
    """Heads and how their training went.

    Attributes:
        heads: in evaluation mode.
        losses: float64, shape (steps,): the objective at each step that was made.
        watched: what the validation patients said, (steps made, objective) at each look.
        kept: the number of steps after which the heads are as they are.
    """

    heads: HeadPair
    losses: NDArray[np.float64]
    watched: tuple[tuple[int, float], ...] = ()
    kept: int = 0


def train_heads(
    images: NDArray[np.float32],
    texts: NDArray[np.float32],
    patient: NDArray[np.int64],
    settings: AlignSettings,
    labels: PairLabels | None = None,
) -> TrainedHeads:
    """Train a pair of heads so that an image's embedding lies next to its report's, or to those of its class.

    Features are standardised with the training pairs' mean and deviation, which are folded into the heads'
    first layers at the end, so that heads take features as they are.

    Args:
        images: float32, shape (n, image features).
        texts: float32, shape (n, text features); row i belongs to image i.
        patient: int64, shape (n,): a number per patient.
        settings: the choices.
        labels: of the pairs, for objectives that look at them.

    Raises:
        InputError: there are fewer than two patients to tell apart, or no labels where they are needed.
    """
    if settings.needs_labels and labels is None:
        raise InputError(
            f"The objective {settings.objective} needs labels; give --weights bce=0,supcon=0,clip=1."
        )
    random = torch.Generator().manual_seed(settings.seed)
    fitting, aside = _set_aside(patient, settings)
    if len(np.unique(patient[fitting])) < 2:
        raise InputError("Training needs pairs of at least two patients; name a larger split with --train.")
    # Own generators, so that neither the caller's random state nor the number of threads plays a part.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        heads = HeadPair(_spec(settings, images.shape[1]), _spec(settings, texts.shape[1]))
        objective = MultiTask(settings, torch.tensor(patient), labels)
        sides = (_Side.of(images, fitting), _Side.of(texts, fitting))
        trained = _optimise(
            heads, objective, sides, torch.from_numpy(fitting), torch.from_numpy(aside), random
        )
    with torch.no_grad():
        for head, side in zip((trained.heads.image, trained.heads.text), sides, strict=True):
            _fold(head, side.mean, side.deviation)
    return trained


@dataclass(frozen=True, eq=False)
class _Side:
    """One side's features, standardised as they are read."""

    features: Tensor
    mean: Tensor
    deviation: Tensor
    steps: tuple[Tensor, Tensor, Tensor]

    @classmethod
    def of(cls, features: NDArray[np.float32], fitting: NDArray[np.int64]) -> "_Side":
        """Measure mean and deviation; a feature that never changes is only centred."""
        total, squares = np.zeros((2, features.shape[1]))
        around = features[fitting[0]].astype(np.float64)  # so that squares lose nothing far from 0
        _add_moments(np.ascontiguousarray(features), fitting, around, total, squares)
        mean = total / len(fitting)
        deviation = np.sqrt(np.maximum(squares / len(fitting) - mean**2, 0))
        deviation[deviation < 1e-6 * max(deviation.max(), 1e-30)] = 1.0
        centre, spread = torch.from_numpy(around + mean), torch.from_numpy(deviation)
        # Twice subtracted: features may lie far from 0, next to each other, and the first difference is exact
        # there, so that the second loses no more than single precision must.
        near = centre.float()
        steps = near, (centre - near).float(), (1 / spread).float()
        return cls(torch.from_numpy(features), centre, spread, steps)

    def batch(self, rows: Tensor) -> Tensor:
        near, rest, scale = self.steps
        return self.features.index_select(0, rows).sub_(near).sub_(rest).mul_(scale)


@njit(nogil=True, cache=True)
def _add_moments(features, rows, around, total, squares):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for i in rows:
        row = features[i]
        for j in range(len(row)):
            away = row[j] - around[j]
            total[j] += away
            squares[j] += away * away


def _set_aside(
    patient: NDArray[np.int64], settings: AlignSettings
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the rows to fit on and those of the validation patients, who are others."""
    everyone = np.unique(patient)
    chosen = np.random.default_rng([settings.seed, 5]).permutation(everyone)
    watching = np.isin(patient, chosen[: round(settings.watched * len(everyone))])
    return np.flatnonzero(~watching), np.flatnonzero(watching)


def _optimise(
    heads: HeadPair,
    objective: MultiTask,
    sides: tuple[_Side, _Side],
    fitting: Tensor,
    aside: Tensor,
    random: torch.Generator,
) -> TrainedHeads:
    settings = objective.settings
    n = len(fitting)
    batch = min(settings.batch, n)
    steps = settings.steps or max(300, 10 * n // batch)
    optimiser = torch.optim.AdamW(
        [*heads.parameters(), *objective.parameters()],
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    # Of ten steps or fewer a tenth is a warm-up of no length, by which OneCycleLR would divide.
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        settings.learning_rate,
        total_steps=steps,
        pct_start=0.1 if steps > 10 else 0.0,
        cycle_momentum=False,
    )
    losses: list[float] = []
    watched: list[tuple[int, float]] = []
    best, kept = heads, steps
    every = -(-steps // _LOOKS)
    order, position = torch.randperm(n, generator=random), 0
    heads.train()
    # glibc gives memory back to the system, to have it zeroed for the next step, until it has seen a block of
    # this size freed; that is a tenth of a step's time.
    torch.empty(_HEAP, dtype=torch.uint8)
    with progress(steps, "aligning", "steps") as bar:
        for step in range(1, steps + 1):
            if position + batch > n:
                order, position = torch.randperm(n, generator=random), 0
            loss = _loss(heads, objective, sides, fitting[order[position : position + batch]])
            position += batch
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
            bar.update()
            if len(aside) and (step % every == 0 or step == steps):
                watched.append((step, _watch(heads, objective, sides, aside, batch)))
                if min(watched, key=lambda look: look[1]) == watched[-1]:
                    best, kept = copy.deepcopy(heads), step
                elif len(watched) - 1 - [look[0] for look in watched].index(kept) >= settings.patience:
                    break
    return TrainedHeads(best.eval(), np.array(losses), tuple(watched), kept)


def _loss(heads: HeadPair, objective: MultiTask, sides: tuple[_Side, _Side], rows: Tensor) -> Tensor:
    images, texts = (side.batch(rows) for side in sides)
    loss: Tensor = objective(heads.embed_images(images), heads.embed_texts(texts), rows)
    return loss


@torch.no_grad()
def _watch(
    heads: HeadPair, objective: MultiTask, sides: tuple[_Side, _Side], rows: Tensor, batch: int
) -> float:
    """Give the mean objective over the first batches of validation pairs, in their order."""
    heads.eval()
    whole = max(len(rows) - len(rows) % batch, min(len(rows), batch))  # no batch of a few at the end
    parts = [rows[start : start + batch] for start in range(0, whole, batch)][:_LOOKED_AT]
    value = sum(_loss(heads, objective, sides, part).item() for part in parts) / len(parts)
    heads.train()
    return value


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


def _fold(head: nn.Module, mean: Tensor, deviation: Tensor) -> None:
    """Let a head take raw features: W((x − m)/s) + c = (W/s)x + (c − (W/s)m)."""
    first = head if isinstance(head, nn.Linear) else head[0]  # type: ignore[index]
    weight = first.weight.double() / deviation
    first.bias.copy_((first.bias.double() - weight @ mean).float())
    first.weight.copy_(weight.float())
