"""Heads put back into the model they were trained for, as a checkpoint that other programs load."""

from pathlib import Path
from typing import Literal

from msgspec.structs import replace

import relinkage
from relinkage.alignment import Heads
from relinkage.encoders.checkpoints import copy_rest, layouts_of
from relinkage.encoders.huggingface import folder_digest
from relinkage.encoders.trained.manifest import AlignedHeads, AlignedInPublic, HardenedHeads, OwnHeads
from relinkage.errors import InputError
from relinkage.files import fingerprint, whole_folder
from relinkage.options import Count
from relinkage.privacy import read_stated_heads
from relinkage.records import Record, write_record
from relinkage.studies.places import EXPORT_MANIFEST, EXPORT_SCHEMA, check_export

CARD = "README.md"
BEGIN = "<!-- relinkage export -->"


class ExportedHeads(Record, frozen=True):
    """The heads that were put into a model.

    Attributes:
        fingerprint: Of their weights.
        manifest: What of their manifest may be published: of heads that were trained without privacy, nothing
            that was counted or computed on their pairs; null where they have none.
    """

    fingerprint: str
    manifest: AlignedInPublic | HardenedHeads | OwnHeads | None


class Export(Record, frozen=True):
    """A model with trained heads in place of its own.

    Attributes:
        version: The release of relinkage that wrote it.
        model: The name of the model's folder.
        model_revision: The model's revision.
        layouts: The libraries that the written folder is for.
        dimension: Width of the shared space.
        heads: The heads.
        privacy: What is known of the privacy of their training, in a sentence.
        left_out: Files of the model that hold the earlier heads and so were not copied.
    """

    schema: Literal["relinkage.export/1"] = EXPORT_SCHEMA
    version: str = relinkage.__version__
    model: str
    model_revision: str
    layouts: tuple[str, ...]
    dimension: Count
    heads: ExportedHeads
    privacy: str
    left_out: tuple[str, ...]


def export(heads: Path, model: Path, out: Path, *, any_revision: bool = False) -> Export:
    """Write a model's folder again with trained heads in place of its own.

    The towers, the logit scale, the tokenizer and the preprocessing stay as they are. A folder in the layout
    of transformers (CLIP) and of open_clip is written in both. The embeddings of the written model are those
    of the heads on the features of its towers.

    Args:
        heads: a folder that `relinkage align`, `harden` or `heads` wrote, or a bare `heads.safetensors`.
        model: the folder of the model whose features the heads were trained on.
        out: the folder to write; an earlier export there is replaced.
        any_revision: also where the heads name another revision of the model than this folder is.

    Returns:
        What `relinkage-export.json` says.

    Raises:
        InputError: the heads or the model cannot be read or do not fit together, or `out` holds other things.
    """
    check_export(out, model)
    trained = read_stated_heads(heads)
    layouts = layouts_of(model)
    for layout in layouts:
        layout.check(trained.pair)
    revision = folder_digest(model)
    if not any_revision:
        _check_revision(trained, heads, model, revision)
    with whole_folder(out, EXPORT_MANIFEST, EXPORT_SCHEMA) as folder:
        for layout in layouts:
            layout.write(trained.pair, folder)
        behind = copy_rest(model, folder, leave=(CARD, EXPORT_MANIFEST))
        rewritten = {file.name for layout in layouts for file in layout.files}
        made = Export(
            model=model.resolve().name,
            model_revision=revision,
            layouts=tuple(layout.name for layout in layouts),
            dimension=trained.pair.image_spec.embedding,
            heads=ExportedHeads(fingerprint=_fingerprint(heads), manifest=_published(trained)),
            privacy=privacy_sentence(trained),
            left_out=tuple(name for name in behind if name not in rewritten and not (folder / name).exists()),
        )
        _write_card(model / CARD, folder / CARD, made)
        write_record(folder / EXPORT_MANIFEST, made)
    return made


def privacy_sentence(heads: Heads) -> str:
    """Say in a sentence what is known of the privacy of heads' training."""
    told = heads.manifest
    if told is None:
        return "Nothing is known of how the heads were trained, so nothing can be said of their privacy."
    if isinstance(told, OwnHeads):
        return "The heads are the model's own heads, not trained with differential privacy."
    if told.privacy is None:
        return "The heads were trained without differential privacy."
    sentence = told.privacy.sentence
    return sentence[0].upper() + sentence[1:].rstrip(".") + "."


def _check_revision(trained: Heads, heads: Path, model: Path, revision: str) -> None:
    told = trained.manifest
    if told is not None and told.model_revision not in (revision, model.resolve().name):
        raise InputError(
            f"{heads} was trained on features of {told.model} at another revision than "
            f"{model} is; name the folder that was embedded, or add --any-revision if the two are one model."
        )


def _fingerprint(heads: Path) -> str:
    file = heads / "heads.safetensors" if heads.is_dir() else heads
    return fingerprint(file.read_bytes())


def _published(trained: Heads) -> AlignedInPublic | HardenedHeads | OwnHeads | None:
    """Return what may be published of the heads' manifest; with a statement, `harden` writes nothing else."""
    told = trained.manifest
    if isinstance(told, AlignedHeads):
        public = {field: getattr(told, field) for field in AlignedInPublic.__struct_fields__}
        return AlignedInPublic(**public)
    if isinstance(told, HardenedHeads):
        return replace(told, cohort_fingerprint=None)
    return told


def _write_card(source: Path, target: Path, made: Export) -> None:
    """Write the model's own card and, after it, what was replaced; an earlier such part goes."""
    own = source.read_text(encoding="utf-8", errors="replace") if source.is_file() else ""
    own = own.split(BEGIN)[0].rstrip()
    part = f"""{BEGIN}
## Projection heads

The projection heads of this checkpoint were replaced with `relinkage export` {made.version}.
Everything else is that of {made.model} ({made.model_revision}).
What the card says of retrieval, zero-shot figures and alignment was said of the earlier heads.
The shared space has {made.dimension} dimensions.

{made.privacy}
This speaks of the training of the heads alone, not of the towers, and is not a measurement of linkage.
`{EXPORT_MANIFEST}` holds it as data.
"""
    target.write_text(f"{own}\n\n{part}" if own else part, encoding="utf-8")
