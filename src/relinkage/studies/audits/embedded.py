"""Audits of an embeddings folder, with the heads that were asked for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from numpy.typing import NDArray

from relinkage.alignment import Heads
from relinkage.embeddings import Embeddings, read_embeddings
from relinkage.embeddings.stored import choose
from relinkage.encoders import HeadPair
from relinkage.encoders.trained.statement import what_epsilon_leaves_open
from relinkage.errors import InputError
from relinkage.linkage import AuditSettings, Links, Measurement, measure
from relinkage.linkage.result import AuditedHeads, Inputs
from relinkage.linkage.settings import On
from relinkage.privacy import read_stated_heads
from relinkage.studies.audits.auditing import described, resumable

BY_STUDY = (
    "Splits are by study, as patients are not known: a patient may stand in several splits, so what is "
    "learned on one split is not surely held out from another."
)
Sides = tuple[NDArray[Any], NDArray[Any]]
"""A vector per image, and one per distinct report; large ones may lie on disk (`embeddings.stored`)."""


def audit_embeddings(
    path: Path,
    heads: Path | None,
    split: str | None,
    settings: AuditSettings,
    name: str | None = None,
    *,
    out: Path | None = None,
) -> Measurement:
    """Audit an embeddings folder through its own heads or through trained ones.

    Args:
        path: the folder that `relinkage embed` wrote.
        heads: trained heads; the encoder's own where not given.
        split: the split to audit; all pairs where not given.
        settings: the choices of the audit.
        name: what the report calls the audited model; the encoder's id where not given.
        out: as in `audit_arrays`.

    Raises:
        InputError: the folder or heads cannot be read, do not fit, or there are no heads at all.
    """
    embeddings = read_embeddings(path, large_on_disk=True)
    return audit_folder(embeddings, heads, split, settings, name, out=out)


def audit_folder(
    embeddings: Embeddings,
    heads: Path | None,
    split: str | None,
    settings: AuditSettings,
    name: str | None = None,
    on: On = "embeddings",
    scored: Sides | None = None,
    *,
    out: Path | None = None,
) -> Measurement:
    """Do what `audit_embeddings` does with a folder that was read, or let an attacker score its pairs.

    Args:
        embeddings: the folder, all of it.
        heads: as in `audit_embeddings`.
        split: likewise.
        settings: likewise.
        name: likewise.
        on: what is compared.
        scored: what an attacker made of these vectors, a row per image and per distinct report; their
            cosine is then the score.
        out: as in `audit_arrays`; not for what an attacker scored.

    Raises:
        InputError: as in `audit_embeddings`.
    """
    path = embeddings.path
    if split is not None:
        embeddings = embeddings.split(split)
    trained = None if heads is None else read_stated_heads(heads)
    images, texts = sides(embeddings, None if trained is None else trained.pair, on)
    links = Links.from_pairs(
        embeddings.pairs,
        len(images),
        len(embeddings),
        str(path / "pairs.parquet"),
        patients_known=embeddings.patients_known,
    )
    manifest = embeddings.manifest
    inputs = Inputs(
        kind="embeddings",
        images=described(path.name, images),
        reports=described(path.name, texts),
        model=manifest.encoder,
        heads=None
        if trained is None or heads is None
        else AuditedHeads(file=heads.name, manifest=trained.manifest),
        cohort=manifest.cohort,
        split=split,
        truncated_share=float(embeddings.pairs["truncated"].to_numpy().mean()),
        token_budget=embeddings.token_budget,
        cut_share=None
        if embeddings.token_budget is None
        else float(embeddings.pairs["cut"].to_numpy().mean()),
    )
    title = name or manifest.encoder.id + ("" if heads is None else f" + {heads.name}")
    if scored is not None:
        images, texts = scored
    reports = choose(texts, embeddings.pairs["report_row"].to_numpy())
    made = measure(
        images,
        reports,
        links,
        settings,
        name=title,
        inputs=inputs,
        sources=(f"{path} (images)", f"{path} (reports)"),
        labels=embeddings.labels,
        engine=resumable(out, inputs, settings),
    )
    notes = (
        *made.result.notes,
        *_made_equal(embeddings),
        *_held_out(embeddings, trained, split),
        *_stated(trained),
    )
    if split is not None and not embeddings.patients_known:
        notes += (BY_STUDY,)
    return replace(made, result=msgspec.structs.replace(made.result, notes=notes))


def sides(embeddings: Embeddings, heads: HeadPair | None, on: On = "embeddings") -> Sides:
    """Give the vectors of the images and of the distinct reports.

    Args:
        embeddings: a folder, or some pairs of one.
        heads: heads to put on the features; the encoder's own where not given.
        on: what is wanted; features know no heads.

    Raises:
        InputError: the heads do not fit, or there are none.
    """
    if on == "features":
        return embeddings.image_features, embeddings.text_features
    if heads is not None:
        return embeddings.project(heads)
    if embeddings.image_embeddings is None or embeddings.text_embeddings is None:
        raise InputError(
            f"{embeddings.path} holds the features of towers that share no space; train heads first "
            f"(`relinkage align {embeddings.path} --out HEADS`) and name them with --heads HEADS."
        )
    return embeddings.image_embeddings, embeddings.text_embeddings


def _stated(trained: Heads | None) -> tuple[str, ...]:
    """Say what a privacy statement of the heads does not speak of."""
    stated = None if trained is None or trained.manifest is None else trained.manifest.privacy
    return () if stated is None else what_epsilon_leaves_open(stated)


def _made_equal(embeddings: Embeddings) -> list[str]:
    """Say where the token budget left different reports the same text."""
    reports, texts = (embeddings.pairs[column].n_unique() for column in ("report_hash", "report_row"))
    if texts == reports:
        return []
    return [
        f"The token budget of {embeddings.token_budget} leaves {texts} distinct texts of {reports} distinct "
        "reports: reports that became equal tie, and no model can tell them apart."
    ]


def _held_out(embeddings: Embeddings, trained: Heads | None, split: str | None) -> list[str]:
    """Say where audited pairs are not held out from what trained the heads."""
    if trained is None:
        return []
    told = trained.manifest
    if told is None:
        return ["What trained the heads is not known: the audited pairs may have been among it."]
    train = told.train_split
    same = told.cohort_fingerprint == embeddings.manifest.cohort.fingerprint
    silent = told.privacy is not None  # hardened heads do not tell their cohort, which is private
    if not (same or silent) or split not in (None, train):
        return []
    inside = int((embeddings.pairs["split"] == train).sum())
    if not inside:
        return []
    if silent:
        return [
            f"Hardened heads do not tell which cohort trained them: where it is this one, {inside} of the "
            f"{len(embeddings)} audited pairs are not held out."
        ]
    return [
        f"{inside} of the {len(embeddings)} audited pairs trained the heads: they are not held out, and "
        "linkage on them is higher than on new patients."
    ]
