"""An adversary who looks for a unit that moves the clipped sum as far as it can."""

from dataclasses import replace

import numpy as np
import torch

from relinkage.encoders.heads import HeadPair, HeadSpec
from relinkage.privacy.mechanisms import Batch
from relinkage.privacy.training import private_sum

CLIP = 0.7
FEATURES, WIDTH, LABELS = 4, 3, 2


def small_heads(seed, bias=False):
    torch.manual_seed(seed)
    return HeadPair(
        HeadSpec("linear", FEATURES, WIDTH, bias=bias), HeadSpec("linear", FEATURES, WIDTH, bias=bias)
    ).eval()


def small_batch(rng, units, pairs_a_unit=1, near=None):
    """A batch; `near` is how far its pairs are from being copies of each other."""
    n = units * pairs_a_unit
    images, texts = rng.normal(size=(2, n, FEATURES))
    if near is not None:
        images, texts = images[:1] + near * images, texts[:1] + near * texts
    return Batch(
        torch.tensor(images, dtype=torch.float32),
        torch.tensor(texts, dtype=torch.float32),
        torch.tensor(rng.integers(0, 3, size=(n, LABELS)) / 2, dtype=torch.float32),
        np.repeat(np.arange(units), pairs_a_unit),
        rng.integers(0, 2**63, size=units).astype(np.uint64),
        3,
    )


def without_last(batch):
    """The same batch when the last unit was not sampled."""
    stay = batch.owner < batch.owner.max()
    return Batch(
        batch.images[stay],
        batch.texts[stay],
        batch.labels[stay],
        batch.owner[stay],
        batch.key[:-1],
        batch.step,
    )


def moved(heads, mechanism, batch):
    """How far the last unit moves the sum, in clipping norms."""
    sums = [private_sum(heads, mechanism, some, CLIP)[0] for some in (batch, without_last(batch))]
    return (
        sum(float((one - other).double().square().sum()) for one, other in zip(*sums, strict=True)) ** 0.5
        / CLIP
    )


def clipped_sum_by_definition(heads, mechanism, batch, *, graph=False):
    """One gradient after the other: outer products, summed over a group, clipped, summed; one long vector."""
    images, texts = heads.image(batch.images), heads.text(batch.texts)
    loss = mechanism.loss(images, texts, batch, heads)
    slopes = torch.autograd.grad(loss, [images, texts], create_graph=graph)
    groups = mechanism.groups(batch)
    total = 0
    for group in np.unique(groups) if groups is not None else [None]:
        rows = np.flatnonzero(groups == group) if groups is not None else np.arange(len(batch.owner))
        parts = []
        for slope, features, head in zip(
            slopes, (batch.images, batch.texts), (heads.image, heads.text), strict=True
        ):
            parts.append((slope[rows].T @ features[rows]).flatten())
            if head.bias is not None:
                parts.append(slope[rows].sum(0))
        gradient = torch.cat(parts)
        total = total + (
            gradient if groups is None else gradient * torch.clamp(CLIP / gradient.norm(), max=1)
        )
    return total


def furthest(make, seed, *, restarts=3, steps=30, units=4, pairs_a_unit=1):
    """The furthest that any unit was found to move the sum: random starts, then gradient ascent on features.

    `make(rng)` gives heads and a mechanism. Starts are far apart, near and very near copies by turns.
    """
    rng, best = np.random.default_rng(seed), 0.0
    for restart in range(restarts):
        heads, mechanism = make(rng)
        batch = small_batch(rng, units, pairs_a_unit, (None, 0.3, 0.03)[restart % 3])
        free = [batch.images.clone().requires_grad_(), batch.texts.clone().requires_grad_()]
        for step in range(steps):
            there = replace(batch, images=free[0], texts=free[1])
            if step % 3 == 0:
                best = max(best, moved(heads, mechanism, copy_without_graph(there)))
            gap = clipped_sum_by_definition(heads, mechanism, there, graph=True) - clipped_sum_by_definition(
                heads, mechanism, without_last(there), graph=True
            )
            for value, slope in zip(free, torch.autograd.grad(gap.norm(), free), strict=True):
                value.data += 0.1 * slope / slope.abs().max().clamp(min=1e-9)
    return best


def copy_without_graph(batch):
    return replace(batch, images=batch.images.detach().clone(), texts=batch.texts.detach().clone())


def climbed(make, seed, *, restarts=3, steps=80, units=4):
    """The same by random steps that are kept where they help, for sums that no gradient flows through."""
    rng, best = np.random.default_rng(seed), 0.0
    for restart in range(restarts):
        heads, mechanism = make(rng)
        batch = small_batch(rng, units, 1, (None, 0.3, 0.03)[restart % 3])
        here, size = moved(heads, mechanism, batch), 0.5
        for _ in range(steps):
            shake = torch.tensor(rng.normal(size=(2, *batch.images.shape)), dtype=torch.float32) * size
            other = replace(batch, images=batch.images + shake[0], texts=batch.texts + shake[1])
            there = moved(heads, mechanism, other)
            if there > here:
                batch, here = other, there
            else:
                size = max(size * 0.98, 0.01)
        best = max(best, here)
    return best
