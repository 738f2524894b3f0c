"""Heads trained with differential privacy on one split of the embeddings, and the folder they go to."""

from pathlib import Path

import numpy as np
from msgspec.structs import replace

from relinkage.alignment.folder import Heads
from relinkage.embeddings import Embeddings
from relinkage.encoders.heads import HeadPair, heads_bytes
from relinkage.encoders.trained.hardening import HardenChoices, HardenSettings
from relinkage.encoders.trained.manifest import (
    AnchorsUsed,
    HardenedHeads,
    check_heads,
)
from relinkage.encoders.trained.statement import PrivacyStatement
from relinkage.files import fingerprint
from relinkage.privacy.mechanisms import one_shot
from relinkage.privacy.noise import coins
from relinkage.privacy.prepare import Prepared, check, prepare, units_among
from relinkage.privacy.public import Public
from relinkage.privacy.spending import delta_cautions, spend
from relinkage.privacy.training import train_privately
from relinkage.progress import say

LEAST_PATIENTS = 5_000
"""Patients below which use was lost on phantom cohorts, now little, now much: docs/defences.md."""


def harden(
    embeddings: Embeddings,
    train: str,
    settings: HardenSettings,
    out: Path | None = None,
    public: Public | None = None,
) -> Heads:
    """Train heads with differential privacy on one split.

    The manifest can be published with the heads: it holds the privacy statement, and nothing else that was
    counted or computed on the private pairs: no numbers of pairs, no losses, no fingerprints. (Without an ε,
    as a control, the heads are not private, and the manifest names the cohort by its fingerprint.)

    Args:
        embeddings: cached features of a frozen encoder.
        train: the split to train on.
        settings: the choices of the training.
        out: the folder to write; nothing is written where it is not given.
        public: what may be looked at freely.

    Raises:
        InputError: the settings do not fit the embeddings, dp-accounting is missing, the noisy heads
            diverged, or `out` holds other things.
    """
    public = public or Public()
    if out is not None:
        check_heads(out)
    origin, anchors = "none", None
    if settings.mechanism == "one-shot":
        heads, statement = _once(embeddings, train, settings, public)
    else:
        prepared = prepare(embeddings, train, settings, public)
        _note_size(prepared, train, settings)
        heads, statement = _stepwise(prepared, settings), prepared.statement
        origin = prepared.origin
        if prepared.anchors is not None:
            anchors = AnchorsUsed(labels=tuple(prepared.anchors.labels), source=prepared.anchors.source)
    reference = public.embeddings
    # Heads without noise keep nothing secret, and must be known again where somebody would start from them.
    cohort = None if statement else embeddings.manifest.cohort.fingerprint
    if statement is not None:
        statement = replace(statement, heads=fingerprint(heads_bytes(heads)))
        for caution in delta_cautions(settings.delta, settings.population):
            say(f"Note: {caution}")
    manifest = HardenedHeads(
        model=embeddings.manifest.encoder.id,
        model_revision=embeddings.manifest.encoder.revision,
        train_split=train,
        cohort_fingerprint=cohort,
        settings=_told(settings),
        start=origin,
        anchors=anchors,
        public=None if reference is None else reference.manifest.cohort.fingerprint,
        steps=1 if settings.mechanism == "one-shot" else settings.steps,
        privacy=statement,
    )
    if embeddings.split(train).pairs["patient_id"].n_unique() < LEAST_PATIENTS:
        say(f"Note: {few_patients(train)}")
    hardened = Heads(heads, manifest, "hardened" if out is None else out.name)
    if out is not None:
        hardened.save(out)
    return hardened


def few_patients(train: str) -> str:
    """Return what is to be said of a training on fewer than `LEAST_PATIENTS` patients."""
    return (
        f"The split {train} has fewer than {LEAST_PATIENTS:,} patients: the noise may cost much of the use, "
        "and how much differs from training to training; look at label precision in both directions "
        "(`relinkage utility`, `relinkage defend`) before the heads are released."
    )


def _note_size(prepared: Prepared, train: str, settings: HardenSettings) -> None:
    """Say where a step has little to work on; what is said here is for whoever holds the pairs."""
    units = len(prepared.pairs.units)
    if settings.rate * units < settings.batch / 2:
        say(
            f"Note: the split {train} has less than half of the stated population of {settings.population}, "
            f"so a step samples fewer {settings.unit}s than --batch and moves the heads less than --lr says; "
            "what is stated holds all the same; give a nearer public bound with --population where one is."
        )


def _stepwise(prepared: Prepared, settings: HardenSettings) -> HeadPair:
    losses = train_privately(
        prepared.inside.heads,
        prepared.mechanism,
        prepared.pairs,
        prepared.plan,
        coins(settings.seed_noise),
    )
    losses = losses[np.isfinite(losses)]
    if len(losses):
        say(f"Loss {losses[0]:.3f} → {losses[-10:].mean():.3f}; it is not private and was not written.")
    return prepared.inside.release()


def _once(
    embeddings: Embeddings, train: str, settings: HardenSettings, public: Public
) -> tuple[HeadPair, PrivacyStatement | None]:
    check(embeddings, settings, public)
    units = units_among(embeddings, train, settings)
    sigma, statement = spend(
        settings,
        inputs=public.inputs(None, anchored=False),
        patients_known=embeddings.patients_known,
    )
    report = embeddings.pairs["report_row"].to_numpy().astype(np.int64)
    moments = one_shot.second_moments(embeddings.image_features, embeddings.text_features, report, units)
    moments = one_shot.noisy(moments, sigma, coins(settings.seed_noise))
    width = embeddings.image_features.shape[1]
    return one_shot.correlated_heads(moments, width, settings.dimension, sigma), statement


def _told(settings: HardenSettings) -> HardenChoices:
    """Return the choices that may be published: a seed of the noise would undo it."""
    return HardenChoices(**{field: getattr(settings, field) for field in HardenChoices.__struct_fields__})
