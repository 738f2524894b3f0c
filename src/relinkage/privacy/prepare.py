"""From settings and embeddings to a training that is ready to run."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import torch

from relinkage.alignment.multi_task import PairLabels, check_labels
from relinkage.embeddings import Embeddings
from relinkage.encoders.heads import HeadPair
from relinkage.encoders.trained.hardening import HardenSettings
from relinkage.encoders.trained.statement import PrivacyStatement
from relinkage.errors import InputError
from relinkage.privacy.anchors import Anchors, label_values
from relinkage.privacy.frame import Frame, frame
from relinkage.privacy.mechanisms import (
    BatchClip,
    Contrast,
    Grouped,
    LabelAnchored,
    Logit,
    Mechanism,
    Nominal,
    PublicNegatives,
    label_columns,
)
from relinkage.privacy.public import Public
from relinkage.privacy.spending import spend
from relinkage.privacy.training import Plan, PrivatePairs
from relinkage.privacy.units import Units, units_of


@dataclass(frozen=True, eq=False)
class Prepared:
    """A private training that is ready to run.

    Attributes:
        mechanism: the loss and what is clipped.
        inside: the coordinates that heads are trained in.
        pairs: the private pairs, in those coordinates.
        plan: the public numbers.
        statement: what it will have spent; None without noise.
        origin: where the heads it starts from come from, in a few words.
        anchors: of the labels, for `label-anchored`.
    """

    mechanism: Mechanism
    inside: Frame
    pairs: PrivatePairs
    plan: Plan
    statement: PrivacyStatement | None
    origin: str
    anchors: Anchors | None


def prepare(embeddings: Embeddings, train: str, settings: HardenSettings, public: Public) -> Prepared:
    """Prepare a training in steps.

    Args:
        embeddings: cached features of a frozen encoder.
        train: the split to train on.
        settings: the choices, of any mechanism but `one-shot`.
        public: what may be looked at freely.

    Raises:
        InputError: the settings do not fit the embeddings, or dp-accounting is missing.
    """
    check(embeddings, settings, public)
    units = units_among(embeddings, train, settings)
    start, origin = public.starting_heads(embeddings, settings)
    if "grid" in (start.image_spec.kind, start.text_spec.kind):
        raise InputError(
            f"The image head of {embeddings.path} works on a grid of features, which private training does "
            "not take; name linear or mlp heads on pooled features with --start."
        )
    anchors, labels = None, None
    if settings.weights.needs_labels:
        asks = f"--weights {settings.weights} look at"
        check_labels(embeddings.pairs, embeddings.labels, embeddings.path, asks, "leave --weights out")
        labels = label_columns(PairLabels.of(embeddings.pairs, embeddings.labels))
    if settings.mechanism == "label-anchored":
        anchors = public.anchors_for(embeddings, start, settings.seed)
        asks, instead = "the mechanism label-anchored looks at", "give --mechanism public-negatives"
        check_labels(embeddings.pairs, anchors.labels, embeddings.path, asks, instead)
        labels = torch.from_numpy(label_values(embeddings.pairs, anchors.labels))
    mechanism, inside = _mechanism(settings, start, anchors, public)
    pairs = PrivatePairs(
        torch.from_numpy(embeddings.image_features),
        torch.from_numpy(embeddings.text_features),
        embeddings.pairs["report_row"].to_numpy().astype(np.int64),
        labels,
        units,
        inside.scales,
    )
    sigma, statement = spend(
        settings,
        public.spent,
        public.inputs(None if origin.startswith("fresh") else start, anchored=anchors is not None),
        patients_known=embeddings.patients_known,
    )
    plan = Plan(
        settings.rate,
        settings.steps,
        settings.clip,
        sigma * mechanism.sensitivity.multiple,
        float(settings.batch),
        settings.lr,
    )
    return Prepared(mechanism, inside, pairs, plan, statement, origin, anchors)


def check(embeddings: Embeddings, settings: HardenSettings, public: Public) -> None:
    """Check that nothing but the training itself looks at private pairs.

    Raises:
        InputError: the features were fitted on the cohort, or what is called public is not.
    """
    if embeddings.manifest.encoder.id.endswith("+tfidf") and settings.mechanism != "nominal":
        raise InputError(
            f"The text tower of {embeddings.path} was fitted on the cohort's own reports, so nothing can be "
            "proven of heads on its features; embed with a frozen text encoder."
        )
    public.check(embeddings, settings)


def units_among(embeddings: Embeddings, train: str, settings: HardenSettings) -> Units:
    """Group the pairs of the training split into the units that settings name.

    Returns:
        Units whose rows are those of `embeddings`: features are never copied.

    Raises:
        InputError: the split is empty.
    """
    rows = np.flatnonzero((embeddings.pairs["split"] == train).fill_null(False))
    if not len(rows):
        embeddings.split(train)  # says which splits there are
    chosen = embeddings.pairs[rows]
    patients = chosen["patient_id"]
    number = (patients.rank("dense").cast(pl.Int64) - 1).to_numpy()
    names = patients if settings.unit == "patient" else chosen["pair_id"]
    key = b"".join(hashlib.blake2b(str(name).encode(), digest_size=8).digest() for name in names)
    units = units_of(number, np.frombuffer(key, np.uint64), settings.unit, settings.pairs_a_patient)
    return replace(units, rows=rows[units.rows])


def _mechanism(
    settings: HardenSettings, start: HeadPair, anchors: Anchors | None, public: Public
) -> tuple[Mechanism, Frame]:
    """Make the mechanism and the coordinates that it trains in."""
    name, tau = settings.mechanism, settings.tau
    linear = {start.image_spec.kind, start.text_spec.kind} == {"linear"}
    if anchors is not None:
        if settings.outside == "keep" and not linear:
            raise InputError(
                "What is outside of the labels' span can be kept for linear heads only; give --outside drop."
            )
        basis = torch.from_numpy(anchors.basis(settings.span))
        vectors = torch.from_numpy(anchors.vectors) @ basis
        inside = frame(start, basis, keep=settings.outside == "keep")
        return LabelAnchored(vectors, torch.from_numpy(anchors.shares)), inside
    inside = frame(start)
    if name == "public-negatives":
        images, texts = public.bank(settings.bank, settings.seed)
        return PublicNegatives(images * inside.scales[0], texts * inside.scales[1], tau), inside
    contrast = Contrast(tau, settings.weights, settings.classes)
    if name == "grouped":
        return Grouped(max(settings.batch // settings.group, 1), contrast), inside
    if name == "batch-clip":
        return BatchClip(contrast), inside
    if name == "logit":
        if not linear:
            raise InputError(
                "The mechanism logit takes linear heads; start from some, or give --head linear."
            )
        return Logit(settings.clip, tau), inside
    return Nominal(contrast), inside
