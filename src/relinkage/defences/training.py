"""The hardening's own training with one thing changed: without noise, without clipping, or stopped early."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace
from torch import Tensor

from relinkage.embeddings import Embeddings
from relinkage.encoders.heads import HeadPair
from relinkage.privacy import HardenSettings, Public, harden
from relinkage.privacy.noise import coins
from relinkage.privacy.prepare import prepare
from relinkage.privacy.training import train_privately

_NO_CLIP = 1e9
"""A clipping norm that no gradient reaches."""


def trained(
    embeddings: Embeddings, train: str, settings: HardenSettings, public: Public, seed: int
) -> HeadPair:
    """Train once more, with sampling and noise from a seed: for figures only, never to be released.

    Args:
        embeddings: the private embeddings.
        train: the split to train on.
        settings: the choices, with an ε or without.
        public: what may be looked at freely.
        seed: of sampling and noise.

    Raises:
        InputError: as `harden`.
    """
    if settings.mechanism != "one-shot":
        return _in_steps(embeddings, train, settings, public, [settings.steps], seed)[settings.steps]
    with TemporaryDirectory() as folder:
        return harden(
            embeddings, train, replace(settings, seed_noise=seed), Path(folder) / "heads", public
        ).pair


def without_noise(settings: HardenSettings) -> HardenSettings:
    """Give the same choices, the clipping too, and no noise."""
    return replace(settings, epsilon=None)


def without_clipping(settings: HardenSettings) -> HardenSettings:
    """Give label-anchored training with neither noise nor clipping, its gradients weighed as before.

    A step moves heads by rate / (clip · divisor) times the sum, so the rate grows with the clipping norm.
    Where the hardening has another mechanism, the rate is that of label-anchored training by default.
    """
    if settings.mechanism == "label-anchored":
        rate = settings.lr / settings.clip
    else:
        usual = HardenSettings(epsilon=None, delta=settings.delta, population=settings.population, batch=1)
        rate = usual.lr / usual.clip
    return replace(settings, epsilon=None, mechanism="label-anchored", clip=_NO_CLIP, lr=rate * _NO_CLIP)


def early_stops(
    embeddings: Embeddings,
    train: str,
    settings: HardenSettings,
    public: Public,
    stops: Sequence[int],
    seed: int,
) -> Mapping[int, HeadPair]:
    """Train without noise and keep the heads as they are after some numbers of steps.

    Args:
        embeddings: the private embeddings.
        train: the split to train on.
        settings: the choices of the hardening, of any mechanism with steps.
        public: what may be looked at freely.
        stops: numbers of steps, from 0 to all.
        seed: of sampling.

    Returns:
        Heads by number of steps.

    Raises:
        InputError: as `harden`.
    """
    return _in_steps(embeddings, train, without_noise(settings), public, stops, seed)


def _in_steps(
    embeddings: Embeddings,
    train: str,
    settings: HardenSettings,
    public: Public,
    stops: Sequence[int],
    seed: int,
) -> dict[int, HeadPair]:
    prepared = prepare(embeddings, train, settings, public)
    inside, kept = prepared.inside, {}

    def keep(step: int, _: list[Tensor] | None = None) -> None:
        if step in stops:
            kept[step] = copy.deepcopy(inside.heads.state_dict())

    train_privately(inside.heads, prepared.mechanism, prepared.pairs, prepared.plan, coins(seed), keep)
    keep(settings.steps)
    heads = {}
    for step, state in kept.items():
        inside.heads.load_state_dict(state)
        heads[step] = inside.release()
    return heads
