"""Heads trained again, on some of the patients, under the choices of heads that are there."""

from collections.abc import Callable
from dataclasses import replace as with_parts

import numpy as np
from msgspec.structs import asdict, replace
from numpy.typing import NDArray

from relinkage.alignment import align
from relinkage.embeddings import Embeddings
from relinkage.encoders.heads import HeadPair
from relinkage.encoders.trained.hardening import HardenSettings
from relinkage.encoders.trained.manifest import AlignedHeads, HardenedHeads
from relinkage.privacy.mechanisms import one_shot
from relinkage.privacy.noise import SeededCoins
from relinkage.privacy.prepare import check, prepare, units_among
from relinkage.privacy.public import Public
from relinkage.privacy.training import train_privately
from relinkage.privacy.units import Units

Bools = NDArray[np.bool_]
TrainAgain = Callable[[Bools, int], HeadPair]
"""From whose pairs train, bool, shape (pairs,), and a seed to heads; a patient's pairs stand together."""


def settings_of(manifest: HardenedHeads) -> HardenSettings:
    """Return the settings of a private training, those that its statement rests on as it tells them.

    Raises:
        InputError: they do not go together.
    """
    settings, statement = HardenSettings(**asdict(manifest.settings)), manifest.privacy
    if statement is None:
        return settings
    if statement.mechanism == "one-shot":
        return replace(settings, mechanism="one-shot")
    return replace(
        settings,
        mechanism=statement.mechanism,
        unit=statement.unit,
        cap=statement.pairs_a_patient,
        population=statement.population,
        batch=round(statement.divisor),
        steps=statement.steps,
        clip=statement.clip,
        delta=statement.delta,
        temperature=statement.temperature,
    )


def again(training: Embeddings, manifest: AlignedHeads | HardenedHeads, public: Public) -> TrainAgain:
    """Prepare to train heads again as others were, on any part of their training patients.

    Initial weights and batches, or the sampling and the noise, come from the seed that each training is
    given. Of a private training σ is that of the statement, and nothing is stated of what comes out.

    Args:
        training: the pairs of the training split, and no others.
        manifest: what the other heads say of themselves.
        public: what their training looked at freely.

    Raises:
        InputError: their settings do not fit the embeddings.
    """
    if isinstance(manifest, AlignedHeads):
        return _aligned(training, manifest)
    return _hardened(training, manifest, public)


def _aligned(training: Embeddings, manifest: AlignedHeads) -> TrainAgain:
    def train(inside: Bools, seed: int) -> HeadPair:
        settings = replace(manifest.settings, seed=seed)
        return align(training.select(inside), manifest.train_split, settings, quiet=True).pair

    return train


def _hardened(training: Embeddings, manifest: HardenedHeads, public: Public) -> TrainAgain:
    # Without an ε nothing is calibrated again: the noise is that of the statement.
    settings = replace(settings_of(manifest), epsilon=None)
    sigma = 0.0 if manifest.privacy is None else manifest.privacy.noise_multiplier
    split = manifest.train_split
    if settings.mechanism == "one-shot":
        check(training, settings, public)
        everyone = units_among(training, split, settings)
        report = training.pairs["report_row"].to_numpy().astype(np.int64)
        features, width = (training.image_features, training.text_features), training.image_features.shape[1]

        def train_once(inside: Bools, seed: int) -> HeadPair:
            moments = one_shot.second_moments(*features, report, _those(everyone, inside))
            moments = one_shot.noisy(moments, sigma, SeededCoins(seed))
            return one_shot.correlated_heads(moments, width, settings.dimension, sigma)

        return train_once

    prepared = prepare(training, split, settings, public)
    plan = with_parts(prepared.plan, noise=sigma * prepared.mechanism.sensitivity.multiple)
    everyone = prepared.pairs.units

    def train(inside: Bools, seed: int) -> HeadPair:
        frame = prepared.inside.afresh()
        pairs = with_parts(prepared.pairs, units=_those(everyone, inside))
        train_privately(frame.heads, prepared.mechanism, pairs, plan, SeededCoins(seed), quiet=True)
        return frame.release()

    return train


def _those(units: Units, inside: Bools) -> Units:
    return units.keep(inside[units.rows[units.start[:-1]]])
