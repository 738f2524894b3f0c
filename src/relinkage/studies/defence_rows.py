"""The rows of a table of defences: hardened heads, and every baseline made from the same cached features."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from relinkage.attackers import load_attacker
from relinkage.defences import (
    BaselineSettings,
    Knob,
    Match,
    cut,
    early_stops,
    match,
    principal_axes,
    rotated,
    swapped_norm,
    trained,
    with_random_image_head,
    with_weight_noise,
    without_clipping,
    without_noise,
)
from relinkage.embeddings import Embeddings
from relinkage.encoders import HeadPair
from relinkage.errors import InputError
from relinkage.privacy import HardenSettings, Public
from relinkage.studies.defence_judging import Ground

NOISE = (0.0, *(float(amount) for amount in np.geomspace(0.02, 20, 60)))
"""Amounts of weight noise that are tried."""
STOPS = 60
"""Numbers of steps that an early stop is looked for among, at most."""

PUBLISHED = "published"


@dataclass(frozen=True, eq=False)
class Defence:
    """A row to be judged.

    Attributes:
        key: its short name.
        title: its name for people.
        heads: a pair per seed, the shown one first; none where the row does not apply, and None in the
            place of a pair for the features before any head.
        note: what it is, or why it does not apply.
        knob: the name of what was turned, for a matched baseline.
        matched: how its usefulness was matched, for a matched baseline.
    """

    key: str
    title: str
    heads: tuple[HeadPair | None, ...]
    note: str
    knob: str | None = None
    matched: Match | None = None


@dataclass(frozen=True, eq=False)
class Recipe:
    """How the hardened heads were made, and what they are held against.

    Attributes:
        embeddings: the private embeddings, all of them.
        train: the split trained on.
        settings: the choices of the hardening.
        public: what it might look at freely.
        hardened: the hardened heads themselves.
        published: the baseline.
    """

    embeddings: Embeddings
    train: str
    settings: HardenSettings
    public: Public
    hardened: HeadPair
    published: HeadPair

    def again(self, settings: HardenSettings, seed: int) -> HeadPair:
        """Train with some choices and a seed."""
        return trained(self.embeddings, self.train, settings, self.public, seed)


def defences(recipe: Recipe, ground: Ground, choices: BaselineSettings) -> Iterator[Defence]:
    """Make the rows one by one.

    Args:
        recipe: how the hardened heads were made.
        ground: the tested cohort, on which usefulness is matched.
        choices: seeds, and what is matched.

    Raises:
        InputError: as `harden`.
    """
    settings, seeds = recipe.settings, range(choices.seed, choices.seed + choices.seeds)
    hardened = (recipe.hardened, *(recipe.again(settings, seed) for seed in seeds[1:]))
    yield Defence(PUBLISHED, "Heads as published", (recipe.published,), "The baseline.")
    yield Defence("hardened", "Hardened heads", hardened, "")
    without = tuple(recipe.again(without_noise(settings), seed) for seed in seeds)
    note = "The same training, clipped alike, without noise."
    yield Defence("without-noise", "Same training without DP", without, note)
    yield _unclipped(recipe, seeds)
    yield _group_norm(recipe.published)
    target = ground.use(recipe.hardened)
    axes = principal_axes(recipe.embeddings.split(recipe.train), recipe.published)
    width = recipe.published.image_spec.embedding

    def turned(key: str, title: str, knobs: list[Knob], note: str) -> Defence:
        found = match(knobs[0], ground.use, target, choices.match, choices.tolerance)
        heads = tuple(knob.heads(found.setting) for knob in knobs)
        return Defence(key, title, heads, note, knobs[0].name, found)

    def noisy(seed: int) -> Knob:
        return Knob("amount", NOISE, lambda amount: with_weight_noise(recipe.published, amount, seed))

    note = "Gaussian noise on the published weights, nothing trained."
    yield turned("weight-noise", "Weight noise", [noisy(seed) for seed in seeds], note)
    narrow = Knob("dimensions", range(width, 0, -1), lambda kept: cut(recipe.published, axes, int(kept)))
    note = "The first principal axes of the published embeddings."
    yield turned("dimension-cut", "Dimension cut", [narrow], note)
    key, title = "early-stop", "Early stop"
    if settings.mechanism == "one-shot":
        yield Defence(key, title, (), "Does not apply: the mechanism one-shot has no steps.")
    else:
        stopping = [_stopping(recipe, seed) for seed in seeds]
        yield turned(key, title, stopping, "The same training without DP, stopped early.")
    note = "The published text side turned at random: no defence."
    turns = tuple(rotated(recipe.published, seed) for seed in seeds)
    yield Defence("rotation", "Random rotation", turns, note)
    note = "Gaussian weights in the place of the published image side: what a probe of images cannot see."
    random = tuple(with_random_image_head(recipe.published, seed) for seed in seeds)
    yield Defence("random-image-head", "Random image head", random, note)
    key, title = "features", "Features before any head"
    if all(load_attacker(name).one_space for name in choices.attackers):
        yield Defence(
            key, title, (), "Does not apply: no attacker was asked for who brings two spaces into one."
        )
    else:
        note = "What no training of heads takes away from an attacker who holds the features themselves."
        yield Defence(key, title, (None,), note)


def _unclipped(recipe: Recipe, seeds: range) -> Defence:
    key, title = "label-anchored", "Label-anchored, unclipped"
    if not recipe.embeddings.labels:
        return Defence(key, title, (), "Does not apply: the cohort has no labels to anchor to.")
    try:
        heads = tuple(recipe.again(without_clipping(recipe.settings), seed) for seed in seeds)
    except InputError as error:  # such as a training that diverges without clipping
        return Defence(key, title, (), f"Does not apply. {error}")
    return Defence(key, title, heads, "Pulled to the labels' anchors, with neither noise nor clipping.")


def _group_norm(published: HeadPair) -> Defence:
    swapped = swapped_norm(published)
    key, title = "group-norm", "GroupNorm swap, untrained"
    if swapped is None:
        return Defence(key, title, (), "Does not apply: these heads have no batch normalisation.")
    return Defence(key, title, (swapped,), "Batch normalisation replaced, nothing trained.")


def _stopping(recipe: Recipe, seed: int) -> Knob:
    steps = recipe.settings.steps
    stops = sorted({round(stop) for stop in np.geomspace(1, steps + 1, STOPS) - 1})
    kept: dict[int, HeadPair] = {}

    def heads(stop: float) -> HeadPair:
        if not kept:
            kept.update(
                early_stops(recipe.embeddings, recipe.train, recipe.settings, recipe.public, stops, seed)
            )
        return kept[int(stop)]

    return Knob("steps", stops, heads)
