"""The rows of a table of defences: hardened heads, and every baseline made from the same cached features."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from relinkage.attackers import load_attacker
from relinkage.defences import (
    Defence,
    DefendSettings,
    Knob,
    KSame,
    Match,
    Released,
    SignBits,
    VectorNoise,
    cut,
    early_stops,
    k_same_bound,
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
GROUPS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 70, 100)
"""Sizes of groups that are tried with k-same."""
BITS = tuple(2**power for power in range(13, 0, -1))
"""Bits of a code that are tried."""
RELEASES = 10
"""Releases that an attacker averages."""
PUBLISHED, RANDOM_HEAD = "published", "random-image-head"


@dataclass(frozen=True, eq=False)
class PlannedRow:
    """A row to be judged.

    Attributes:
        key: its short name.
        title: its name for people.
        released: what is released, a training or draw each, the shown one first; none where the row does not
            apply, and None in the place of one for the features before any head.
        note: what it is, or why it does not apply.
        knob: the name of what was turned, for a matched baseline.
        matched: how its usefulness was matched, for a matched baseline.
    """

    key: str
    title: str
    released: tuple[Released | None, ...]
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


def planned_rows(
    recipe: Recipe, ground: Ground, choices: DefendSettings, own: Sequence[Defence] = ()
) -> Iterator[PlannedRow]:
    """Make the rows one by one.

    Args:
        recipe: how the hardened heads were made.
        ground: the tested cohort, on which usefulness is matched.
        choices: seeds, and what is matched.
        own: defences of vectors that somebody gave, on the published heads.

    Raises:
        InputError: as `harden`.
    """
    settings, seeds = recipe.settings, range(choices.seed, choices.seed + choices.seeds)
    published = Released(recipe.published)
    hardened = (recipe.hardened, *(recipe.again(settings, seed) for seed in seeds[1:]))
    yield PlannedRow(PUBLISHED, "Heads as published", (published,), "The reference.")
    yield PlannedRow("hardened", "Hardened heads", _each(hardened), "")
    without = _each(recipe.again(without_noise(settings), seed) for seed in seeds)
    note = "The same training, clipped alike, without noise."
    yield PlannedRow("without-noise", "Same training without DP", without, note)
    yield _unclipped(recipe, seeds)
    yield _group_norm(recipe.published)
    target = ground.use(Released(recipe.hardened))

    def turned(key: str, title: str, knobs: list[Knob], note: str) -> PlannedRow:
        found = match(knobs[0], ground.use, target, choices.match, choices.tolerance)
        released = tuple(knob.released(found.setting) for knob in knobs)
        return PlannedRow(key, title, released, note, knobs[0].name, found)

    yield from _matched_heads(recipe, seeds, turned)
    yield from _matched_vectors(recipe.published, ground, seeds, turned)
    for defence in own:
        released = (Released(recipe.published, defence),)
        yield PlannedRow(defence.key, defence.title or defence.key, released, defence.note)
    note = "The published text side turned at random: no defence."
    turns = _each(rotated(recipe.published, seed) for seed in seeds)
    yield PlannedRow("rotation", "Random rotation", turns, note)
    note = "Gaussian weights in the place of the published image side: what a probe of images cannot see."
    random = _each(with_random_image_head(recipe.published, seed) for seed in seeds)
    yield PlannedRow(RANDOM_HEAD, "Random image head", random, note)
    key, title = "features", "Features before any head"
    if all(load_attacker(name).one_space for name in choices.attackers):
        yield PlannedRow(
            key, title, (), "Does not apply: no attacker was asked for who brings two spaces into one."
        )
    else:
        note = "What no training of heads takes away from an attacker who holds the features themselves."
        yield PlannedRow(key, title, (None,), note)


Turned = Callable[[str, str, list[Knob], str], PlannedRow]
"""Makes a row of knobs, one a seed: the first is matched in use, the others are set alike."""


def _matched_heads(recipe: Recipe, seeds: range, turned: Turned) -> Iterator[PlannedRow]:
    """Make the rows of baselines that change heads."""

    def noisy(seed: int) -> Knob:
        return Knob(
            "amount", NOISE, lambda amount: Released(with_weight_noise(recipe.published, amount, seed))
        )

    note = "Gaussian noise on the published weights, nothing trained."
    yield turned("weight-noise", "Weight noise", [noisy(seed) for seed in seeds], note)
    axes = principal_axes(recipe.embeddings.split(recipe.train), recipe.published)
    width = recipe.published.image_spec.embedding
    narrow = Knob(
        "dimensions", range(width, 0, -1), lambda kept: Released(cut(recipe.published, axes, int(kept)))
    )
    note = "The first principal axes of the published embeddings."
    yield turned("dimension-cut", "Dimension cut", [narrow], note)
    key, title = "early-stop", "Early stop"
    if recipe.settings.mechanism == "one-shot":
        yield PlannedRow(key, title, (), "Does not apply: the mechanism one-shot has no steps.")
    else:
        stopping = [_stopping(recipe, seed) for seed in seeds]
        yield turned(key, title, stopping, "The same training without DP, stopped early.")


def _matched_vectors(
    published: HeadPair, ground: Ground, seeds: range, turned: Turned
) -> Iterator[PlannedRow]:
    """Make the rows of baselines that change image vectors before they are released."""

    def knob(name: str, values: Sequence[float], defence: Callable[[float], Defence]) -> Knob:
        return Knob(name, values, lambda value: Released(published, defence(value)))

    alike = turned("k-same", "k-same", [knob("k", GROUPS, lambda k: KSame(int(k)))], "")
    assert alike.matched is not None
    k = int(alike.matched.setting)
    bounds = " and ".join(
        f"{k_same_bound(k, len(ground.links.candidate_row), pool):.1%} at {pool:,}"
        for pool in dict.fromkeys(one.pool for one in ground.searches)
    )
    yield replace(
        alike,
        note=f"Groups of {k} patients share the mean of their image vectors: against them alone, and where "
        f"no patient has a second report, Recall@1 of the average patient is at most {bounds}.",
    )
    bits = [knob("bits", BITS, lambda bits, seed=seed: SignBits(int(bits), seed)) for seed in seeds]  # type: ignore[misc]
    yield turned("sign-bits", "Sign bits", bits, "Image vectors as the signs of products with directions.")

    def noisy(seed: int, releases: int = 1) -> Knob:
        return knob("amount", NOISE, lambda amount: VectorNoise(amount, releases, seed))

    note = "Gaussian noise on image vectors, of the stated length beside them."
    noise = turned("vector-noise", "Vector noise", [noisy(seed) for seed in seeds], note)
    yield noise
    assert noise.matched is not None
    averaged = tuple(noisy(seed, RELEASES).released(noise.matched.setting) for seed in seeds)
    note = f"The same noise, seen by an attacker who averages {RELEASES} releases of the same images."
    yield PlannedRow("vector-noise-averaged", f"Vector noise, {RELEASES} releases", averaged, note)


def _each(heads: Iterable[HeadPair]) -> tuple[Released, ...]:
    return tuple(map(Released, heads))


def _unclipped(recipe: Recipe, seeds: range) -> PlannedRow:
    key, title = "label-anchored", "Label-anchored, unclipped"
    if not recipe.embeddings.labels:
        return PlannedRow(key, title, (), "Does not apply: the cohort has no labels to anchor to.")
    try:
        heads = tuple(recipe.again(without_clipping(recipe.settings), seed) for seed in seeds)
    except InputError as error:  # such as a training that diverges without clipping
        return PlannedRow(key, title, (), f"Does not apply. {error}")
    return PlannedRow(
        key, title, _each(heads), "Pulled to the labels' anchors, with neither noise nor clipping."
    )


def _group_norm(published: HeadPair) -> PlannedRow:
    swapped = swapped_norm(published)
    key, title = "group-norm", "GroupNorm swap, untrained"
    if swapped is None:
        return PlannedRow(key, title, (), "Does not apply: these heads have no batch normalisation.")
    return PlannedRow(key, title, (Released(swapped),), "Batch normalisation replaced, nothing trained.")


def _stopping(recipe: Recipe, seed: int) -> Knob:
    steps = recipe.settings.steps
    stops = sorted({round(stop) for stop in np.geomspace(1, steps + 1, STOPS) - 1})
    kept: dict[int, HeadPair] = {}

    def released(stop: float) -> Released:
        if not kept:
            kept.update(
                early_stops(recipe.embeddings, recipe.train, recipe.settings, recipe.public, stops, seed)
            )
        return Released(kept[int(stop)])

    return Knob("steps", stops, released)
