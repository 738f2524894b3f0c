"""How much each canary looks trained on, to somebody who knows everything but canaries and coins."""

import copy
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from relinkage.errors import InputError
from relinkage.privacy.clipping import clipped_rows, tapped
from relinkage.privacy.mechanisms import one_shot
from relinkage.privacy.noise import Coins, SeededCoins
from relinkage.privacy.prepare import Prepared
from relinkage.privacy.training import Plan, PrivatePairs, private_sum, train_privately
from relinkage.privacy.units import Units
from relinkage.progress import progress

WITNESSES = 8
"""Patients beside a canary in a training of its own."""
_ANGLE = 0.3
"""Between a witness's image and the canary's report, in radians."""
_SPREAD = 0.3
"""Over how many radians the witnesses' reports are spread, for a gradient without the canary."""
_ASIDE = 30.0
"""How much longer features are than what heads make of them: enough for gradients to be clipped."""

Floats = NDArray[np.float64]


def scores_together(
    prepared: Prepared, plan: Plan, inside: NDArray[np.bool_], rng: np.random.Generator, coins: Coins
) -> Floats:
    """Train once with all canaries that are in, and project the noisy sums on every canary's own gradient.

    A canary is a patient of one pair with features in a random direction and random labels.

    Args:
        prepared: a training whose units do not see each other; its heads are trained.
        plan: the public numbers.
        inside: bool, shape (canaries,): which are trained on.
        rng: where canaries come from.
        coins: of the training.

    Returns:
        float64, shape (canaries,): larger for those that look trained on.
    """
    heads, mechanism, old = prepared.inside.heads, prepared.mechanism, prepared.pairs
    first, count = len(old.images), len(inside)
    extra = [_directions(rng, count, side.shape[1]) for side in (old.images, old.texts)]
    everyone = _appended(old, extra[0], extra[1], rng)
    keys = rng.integers(0, 2**63, count).astype(np.uint64)
    places = np.flatnonzero(inside)
    start = np.concatenate([old.units.start, old.units.start[-1] + 1 + np.arange(len(places))])
    units = Units(
        np.concatenate([old.units.rows, first + places]), start, np.concatenate([old.units.key, keys[places]])
    )
    canaries = _single(everyone, first + np.arange(count), keys)
    scores = np.zeros(count)

    def watch(step: int, noisy: list[Tensor]) -> None:
        if plan.rate == 1:
            # Everybody is sampled, so what all the others add is known.
            others = old.batch(np.arange(len(old.units)), step, SeededCoins(0), one_pair=False)
            known = private_sum(heads, mechanism, others, plan.clip)[0]
            noisy = [one - other.float() for one, other in zip(noisy, known, strict=True)]
        batch = canaries.batch(np.arange(count), step, SeededCoins(0), one_pair=False)
        images, image_taps = tapped(heads.image, batch.images)
        texts, text_taps = tapped(heads.text, batch.texts)
        taps = image_taps + text_taps
        loss = mechanism.loss(images, texts, batch, heads)
        gradients, _ = clipped_rows(taps, loss, mechanism.groups(batch), plan.clip)
        where: dict[Tensor, Tensor] = dict(zip(heads.parameters(), noisy, strict=True))
        for tap, clipped in zip(taps, gradients, strict=True):
            gradient = clipped.float()
            scores[:] += ((gradient @ where[tap.layer.weight]) * tap.inputs).sum(1).detach().numpy()
            if tap.layer.bias is not None:
                scores[:] += (gradient @ where[tap.layer.bias]).detach().numpy()

    train_privately(heads, mechanism, replace(everyone, units=units), plan, coins, watch)
    return scores


def scores_apart(
    prepared: Prepared, plan: Plan, inside: NDArray[np.bool_], rng: np.random.Generator, coins: Coins
) -> Floats:
    """Train once for every canary, with witnesses beside it, and weigh the noisy sums with it and without.

    All witnesses have the same image and opposite reports, so without the canary each report is as bad as
    any; the canary's report lies next to their images, which turns all their gradients at once. (For `logit`,
    this attains the bound; for one clipped gradient a batch it comes close to it.) A canary of one training
    plays no part in the others, so that ε holds for all of them as it does for each.

    Args:
        prepared: the training, with linear heads; they are left as they are.
        plan: the public numbers.
        inside: bool, shape (canaries,): which are trained on.
        rng: where canaries and witnesses come from.
        coins: of the trainings.

    Returns:
        float64, shape (canaries,): the log-likelihood ratio of "in" to "out" where everybody is sampled.

    Raises:
        InputError: the heads are not linear.
    """
    scores = np.zeros(len(inside))
    size = 1 + WITNESSES
    sides = [_Side.of(head) for head in (prepared.inside.heads.image, prepared.inside.heads.text)]
    with progress(len(inside), "canaries", "trainings") as bar:
        for canary, trained_on in enumerate(inside):
            heads = copy.deepcopy(prepared.inside.heads)
            images, texts = _witnesses(sides, rng)
            rows = replace(prepared.pairs, images=images[:0], texts=texts[:0], report=np.empty(0, np.int64))
            labels = None if rows.labels is None else rows.labels[:0]
            cluster = _appended(replace(rows, labels=labels), images, texts, rng)
            # One key for all, as colliding hashes would have: they share a group at every step.
            key = np.full(size, rng.integers(0, 2**63), np.uint64)
            pairs = _single(cluster, np.arange(size), key)

            def watch(
                step: int, noisy: list[Tensor], canary: int = canary, pairs: PrivatePairs = pairs
            ) -> None:
                scores[canary] += _ratio(prepared, plan, heads, pairs, step, noisy)  # noqa: B023 (run at once)

            there = _single(cluster, np.arange(size - 1 + trained_on), key)
            train_privately(heads, prepared.mechanism, there, plan, coins, watch, quiet=True)
            bar.update()
    return scores


def scores_once(
    widths: tuple[int, int], sigma: float, inside: NDArray[np.bool_], rng: np.random.Generator, coins: Coins
) -> Floats:
    """Noise second moments once, with the canaries that are in, and read each canary's direction off them.

    What all the others add to the moments is known to the guesser, and taken off.

    Args:
        widths: of image and of text features.
        sigma: σ of the noise; a unit moves the moments by 1 at most.
        inside: bool, shape (canaries,): which are in.
        rng: where canaries come from.
        coins: of the noise.

    Returns:
        float64, shape (canaries,): larger for those that look as if they were in.
    """
    sides = [_directions(rng, len(inside), width).numpy() for width in widths]
    canaries = np.hstack(sides) / np.sqrt(2)
    moments = one_shot.noisy(canaries[inside].T @ canaries[inside], sigma, coins)
    scores: Floats = ((canaries @ moments) * canaries).sum(axis=1)
    return scores


def _ratio(
    prepared: Prepared, plan: Plan, heads: nn.Module, pairs: PrivatePairs, step: int, noisy: list[Tensor]
) -> float:
    """Give ⟨noisy − without, move⟩ − ‖move‖²/2, where `move` is what the canary adds to the sum."""
    everyone = np.arange(len(pairs.units))
    with_it, without = (
        private_sum(
            heads,  # type: ignore[arg-type]
            prepared.mechanism,
            pairs.batch(some, step, SeededCoins(0), one_pair=False),
            plan.clip,
        )[0]
        for some in (everyone, everyone[:-1])
    )
    total = 0.0
    for one, other, seen in zip(with_it, without, noisy, strict=True):
        move = (one - other).double()
        known = other.double() * (plan.rate == 1)
        total += float(((seen.double() - known) * move).sum() - move.square().sum() / 2)
    return total


@dataclass(frozen=True, eq=False)
class _Side:
    """A linear head as float64 arrays: its matrix, shape (d, features), and the pseudo-inverse of that."""

    matrix: Floats
    back: Floats

    @classmethod
    def of(cls, head: nn.Module) -> "_Side":
        if not isinstance(head, nn.Linear):
            raise InputError(
                "Canaries in a loss that couples a batch go with linear heads; give --head linear."
            )
        matrix = head.weight.detach().double().numpy()
        return cls(matrix, np.linalg.pinv(matrix))


def _witnesses(sides: list[_Side], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Give features of witnesses and, last, of the canary, for the heads of both sides."""
    width = len(sides[0].matrix)
    u, v = np.linalg.qr(rng.normal(size=(width, 2)))[0].T
    turned = _ANGLE + np.concatenate([np.linspace(0, _SPREAD, WITNESSES), [0.0]])
    sign = np.concatenate([np.ones(WITNESSES), [-1.0]])[:, None]
    seen = sign * u
    read = -sign * (np.cos(turned)[:, None] * u + np.sin(turned)[:, None] * v)
    features = []
    for side, wanted in zip(sides, (seen, read), strict=True):
        aside = rng.normal(size=(side.matrix.shape[1],))
        aside -= side.back @ (side.matrix @ aside)  # what the head does not see
        length = float(np.linalg.norm(aside))
        # The same for all witnesses and opposite for opposite vectors, so that their gradients line up.
        along = np.sign(wanted @ wanted[0])[:, None]
        shift = aside / length if length > 1e-6 else 0 * aside
        made = wanted @ side.back.T + _ASIDE * along * shift
        features.append(torch.from_numpy(made.astype(np.float32)))
    return features[0], features[1]


def _appended(pairs: PrivatePairs, images: Tensor, texts: Tensor, rng: np.random.Generator) -> PrivatePairs:
    """Append pairs, given in the coordinates of the heads, with random labels where there are labels."""
    labels = None
    if pairs.labels is not None:
        drawn = torch.from_numpy(rng.integers(0, 2, (len(images), pairs.labels.shape[1])))
        labels = torch.cat([pairs.labels, drawn.to(pairs.labels)])
    return replace(
        pairs,
        images=torch.cat([pairs.images, images.to(pairs.images) / pairs.scales[0]]),
        texts=torch.cat([pairs.texts, texts.to(pairs.texts) / pairs.scales[1]]),
        report=np.concatenate([pairs.report, len(pairs.texts) + np.arange(len(texts))]),
        labels=labels,
    )


def _single(pairs: PrivatePairs, rows: NDArray[np.int64], keys: NDArray[np.uint64]) -> PrivatePairs:
    """Give some rows, each a unit."""
    start = np.arange(len(rows) + 1, dtype=np.int64)
    return replace(pairs, units=Units(rows, start, keys[: len(rows)]))


def _directions(rng: np.random.Generator, count: int, width: int) -> Tensor:
    drawn = rng.normal(size=(count, width))
    return torch.from_numpy(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))
