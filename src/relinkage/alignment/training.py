"""Training projection heads on cached features; the encoders stay frozen."""

import copy
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from relinkage.alignment.descent import Descent
from relinkage.alignment.features import StandardFeatures
from relinkage.alignment.multi_task import MultiTask, PairLabels
from relinkage.alignment.side_by_side import Both, side_by_side
from relinkage.encoders.heads import HeadPair, HeadSpec
from relinkage.encoders.seeding import seeded
from relinkage.encoders.trained.aligning import AlignSettings
from relinkage.errors import InputError
from relinkage.progress import progress

_LOOKS = 20
"""How often a training looks at its validation patients, if it has some."""
_LOOKED_AT = 4
"""Batches of their pairs that a look takes: more would cost time and tell little."""
_HEAP = 31 << 20
"""Bytes; glibc takes larger blocks from the system each time."""


@dataclass(frozen=True)
class Training:
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
    *,
    quiet: bool = False,
) -> Training:
    """Train a pair of heads so that an image's embedding lies next to its report's, or to those of its class.

    Features are standardised with the training pairs' mean and deviation, which are folded into the heads'
    first layers at the end, so that heads take features as they are.

    Args:
        images: float32, shape (n, image features).
        texts: float32, shape (n, text features); row i belongs to image i.
        patient: int64, shape (n,): a number per patient.
        settings: the choices.
        labels: of the pairs, for objectives that look at them.
        quiet: shows no progress, for one of many trainings.

    Raises:
        InputError: there are fewer than two patients to tell apart, or no labels where they are needed.
        ValueError: images, texts and patients are not equally many.
    """
    if settings.needs_labels and labels is None:
        raise InputError(
            f"The objective {settings.objective} needs labels; give --weights bce=0,supcon=0,clip=1."
        )
    if not len(images) == len(texts) == len(patient):
        raise ValueError(f"{len(images)} images, {len(texts)} texts and {len(patient)} patients do not pair")
    random = torch.Generator().manual_seed(settings.seed)
    fitting, aside = _set_aside(patient, settings)
    if len(np.unique(patient[fitting])) < 2:
        raise InputError("Training needs pairs of at least two patients; name a larger split with --train.")
    # Own generators, so that neither the caller's random state nor the number of threads plays a part.
    with seeded(settings.seed):
        heads = HeadPair(_spec(settings, images.shape[1]), _spec(settings, texts.shape[1]))
        objective = MultiTask(settings, torch.tensor(patient), labels)
        heads.train()  # here dropout takes its generators' seeds
    with side_by_side() as both:
        features = both(lambda k: StandardFeatures.of((images, texts)[k], fitting))
    trained = _optimise(
        heads, objective, features, torch.from_numpy(fitting), torch.from_numpy(aside), random, quiet=quiet
    )
    for head, side in zip((trained.heads.image, trained.heads.text), features, strict=True):
        side.fold_into(head)
    return trained


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
    features: tuple[StandardFeatures, StandardFeatures],
    fitting: Tensor,
    aside: Tensor,
    random: torch.Generator,
    *,
    quiet: bool,
) -> Training:
    settings = objective.settings
    n = len(fitting)
    batch = min(settings.batch, n)
    steps = settings.steps or max(300, 10 * n // batch)
    descents = (
        Descent(
            heads.embed_images, features[0], [*heads.image.parameters(), *objective.parameters()],
            settings, steps,
        ),
        Descent(heads.embed_texts, features[1], [*heads.text.parameters()], settings, steps),
    )  # fmt: skip
    whole = max(len(aside) - len(aside) % batch, min(len(aside), batch))  # no batch of a few at the end
    watching = [aside[start : start + batch] for start in range(0, whole, batch)][:_LOOKED_AT]
    losses: list[float] = []
    watched: list[tuple[int, float]] = []
    best, kept = heads, steps
    every = -(-steps // _LOOKS)
    batches = _batches(fitting, batch, random)
    # glibc gives memory back to the system, to have it zeroed for the next step, until it has seen a block of
    # this size freed; that is a tenth of a step's time.
    torch.empty(_HEAP, dtype=torch.uint8)
    shown = nullcontext() if quiet else progress(steps, "aligning", "steps")
    with shown as bar, side_by_side() as both:
        rows = next(batches)
        sides = both(lambda k: _prepare(descents[k], objective, rows, k))
        for step in range(1, steps + 1):
            met = [side.embeddings.detach().requires_grad_() for side in sides]
            loss = objective(*met, rows, (sides[0].relation, sides[1].relation), both)
            torch.autograd.backward(loss)
            losses.append(loss.item())
            rows = next(batches)
            sides = both(partial(_step_and_prepare, descents, objective, sides, met, rows))
            if bar is not None:
                bar.update()
            if watching and (step % every == 0 or step == steps):
                watched.append((step, _watch(heads, objective, descents, watching, both)))
                if min(watched, key=lambda look: look[1]) == watched[-1]:
                    best, kept = copy.deepcopy(heads), step
                elif len(watched) - 1 - [look[0] for look in watched].index(kept) >= settings.patience:
                    break
    return Training(best.eval(), np.array(losses), tuple(watched), kept)


@dataclass(frozen=True, eq=False)
class _Prepared:
    """What one side brings to a batch: its embeddings, and one of the objective's two relations."""

    embeddings: Tensor
    relation: Tensor | None


def _prepare(descent: Descent, objective: MultiTask, rows: Tensor, k: int) -> _Prepared:
    return _Prepared(descent.embed(rows), objective.relation(rows, k))


def _step_and_prepare(
    descents: tuple[Descent, Descent],
    objective: MultiTask,
    sides: tuple[_Prepared, _Prepared],
    met: list[Tensor],
    rows: Tensor,
    k: int,
) -> _Prepared:
    """Let a side take its step and go on to the next batch; sides wait for each other only to meet."""
    gradient = met[k].grad
    assert gradient is not None
    descents[k].step(sides[k].embeddings, gradient)
    return _prepare(descents[k], objective, rows, k)


def _batches(rows: Tensor, batch: int, random: torch.Generator) -> Iterator[Tensor]:
    """Give whole batches of rows without end, all rows in a new order each time."""
    while True:
        order = torch.randperm(len(rows), generator=random)
        for start in range(0, len(rows) - batch + 1, batch):
            yield rows[order[start : start + batch]]


def _watch(
    heads: HeadPair,
    objective: MultiTask,
    descents: tuple[Descent, Descent],
    parts: list[Tensor],
    both: Both,
) -> float:
    """Give the mean objective over batches of validation pairs."""

    def prepare(k: int) -> list[_Prepared]:
        with torch.no_grad():
            return [_prepare(descents[k], objective, rows, k) for rows in parts]

    heads.eval()
    values = []
    with torch.no_grad():
        for rows, *sides in zip(parts, *both(prepare), strict=True):
            images, texts = (side.embeddings for side in sides)
            relations = sides[0].relation, sides[1].relation
            values.append(objective(images, texts, rows, relations, both).item())
    heads.train()
    return float(np.mean(values))


def _spec(settings: AlignSettings, features: int) -> HeadSpec:
    mlp = settings.kind == "mlp"
    return HeadSpec(
        kind=settings.kind,
        features=features,
        embedding=settings.dimension,
        bias=True,
        hidden=settings.hidden if mlp else 0,
        dropout=settings.dropout if mlp else 0.0,
    )
