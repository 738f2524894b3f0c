"""Trained heads on disk: `heads.safetensors` and the manifest that says what they were trained on."""

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path

import numpy as np
import polars as pl
from msgspec.structs import replace

from relinkage.alignment.multi_task import PairLabels, check_labels
from relinkage.alignment.training import train_heads
from relinkage.embeddings import Embeddings
from relinkage.encoders.heads import HeadPair, heads_bytes, load_heads, save_heads
from relinkage.encoders.trained.aligning import AlignSettings
from relinkage.encoders.trained.manifest import (
    HEADS,
    MANIFEST,
    SCHEMA,
    AlignedHeads,
    HeadsManifest,
    Look,
    held_to,
    read_manifest,
)
from relinkage.errors import InputError
from relinkage.files import fingerprint, whole_folder
from relinkage.records import write_record


@dataclass(frozen=True)
class Heads:
    """Heads and what is known of how they came about.

    Attributes:
        pair: the heads, in evaluation mode.
        manifest: what they say of themselves; None for a bare `heads.safetensors`.
        name: their folder's or file's, or what pages call them.
    """

    pair: HeadPair
    manifest: HeadsManifest | None
    name: str = "heads"

    @cached_property
    def fingerprint(self) -> str:
        """The fingerprint of their weights, as `save` writes them."""
        return fingerprint(heads_bytes(self.pair))

    def save(self, out: str | PathLike[str]) -> Path:
        """Write the heads and their manifest as a folder, all or nothing; earlier heads there are replaced.

        Args:
            out: the folder to write.

        Returns:
            The folder.

        Raises:
            InputError: `out` is a file or holds other things, or nothing is known of the heads.
        """
        if self.manifest is None:
            raise InputError("Nothing is known of these heads, and a folder of heads says what trained them.")
        with whole_folder(Path(out), MANIFEST, SCHEMA) as folder:
            save_heads(self.pair, folder / HEADS)
            write_record(folder / MANIFEST, self.manifest)
        return Path(out)


def align(
    embeddings: Embeddings,
    train: str,
    settings: AlignSettings,
    out: Path | None = None,
    *,
    quiet: bool = False,
) -> Heads:
    """Train heads on one split of the embeddings.

    Args:
        embeddings: cached features.
        train: the split to train on.
        settings: the choices of the training.
        out: the folder to write; nothing is written where it is not given.
        quiet: shows no progress, for one of many trainings.

    Raises:
        InputError: the split is empty or too small, its labels are looked at and say nothing, the training
            diverges, or `out` holds other things.
    """
    chosen = embeddings.split(train)
    patient = (chosen.pairs["patient_id"].rank("dense").cast(pl.Int64) - 1).to_numpy()
    if settings.needs_labels:
        asks, instead = f"{settings.objective} looks at", "give --weights bce=0,supcon=0,clip=1"
        check_labels(chosen.pairs, embeddings.labels, embeddings.path, asks, instead)
    labels = PairLabels.of(chosen.pairs, embeddings.labels) if settings.needs_labels else None
    texts = chosen.text_features[chosen.pairs["report_row"].to_numpy()]
    trained = train_heads(chosen.image_features, texts, patient, settings, labels, quiet=quiet)
    if not np.isfinite(trained.losses).all():
        raise InputError(
            f"Training diverged at step {int(np.argmin(np.isfinite(trained.losses))) + 1}; "
            "give a smaller --lr or a larger --temperature."
        )
    manifest = AlignedHeads(
        model=embeddings.manifest.encoder.id,
        model_revision=embeddings.manifest.encoder.revision,
        cohort_fingerprint=embeddings.manifest.cohort.fingerprint,
        train_split=train,
        pairs=len(chosen),
        patients=len(np.unique(patient)),
        settings=replace(settings, head=settings.kind),
        steps=len(trained.losses),
        first_loss=float(trained.losses[0]),
        last_loss=float(trained.losses[-10:].mean()),
        kept_steps=trained.kept,
        validation=tuple(Look(step=step, loss=loss) for step, loss in trained.watched),
    )
    heads = Heads(trained.heads, manifest, settings.objective)
    if out is None:
        return heads
    heads.save(out)
    return dataclasses.replace(heads, name=out.name)


def read_heads(path: Path) -> Heads:
    """Read a folder of heads that any command wrote, or a bare `heads.safetensors`.

    A privacy statement that contradicts itself, its settings or the heads beside it says so from here on.

    Raises:
        InputError: nothing is there, it holds no heads, or it is damaged.
    """
    if path.is_dir():
        manifest, pair = read_manifest(path), load_heads(path / HEADS)
        held = held_to(manifest, fingerprint((path / HEADS).read_bytes()))
        return Heads(pair, held, path.resolve().name)
    return Heads(load_heads(path), None, path.resolve().name)
