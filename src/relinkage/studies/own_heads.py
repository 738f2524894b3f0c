"""The heads that a model or embeddings bring along, as a folder that every command takes as `--heads`."""

from pathlib import Path

from msgspec.structs import replace

import relinkage
from relinkage.alignment import Heads, read_heads
from relinkage.embeddings.manifest import Manifest, read_manifest
from relinkage.encoders.checkpoints import biovil_files, biovil_heads, is_biovil, layouts_of
from relinkage.encoders.heads import heads_bytes, load_heads, save_heads
from relinkage.encoders.huggingface import folder_digest
from relinkage.encoders.norms import with_norm
from relinkage.encoders.trained.manifest import (
    HEADS,
    MANIFEST,
    SCHEMA,
    HardenedHeads,
    NormChoice,
    OwnHeads,
    check_heads,
    holds_heads,
)
from relinkage.errors import InputError
from relinkage.files import fingerprint, read_json, whole_folder
from relinkage.records import schema_name, write_record


def write_own_heads(source: Path, norm: NormChoice, out: Path) -> Heads:
    """Write the heads of a model, of embeddings or of a heads folder, with their BatchNorm kept or swapped.

    Args:
        source: an embeddings folder, heads, or a model's folder (CLIP of transformers, open_clip, BioViL).
        norm: what becomes of BatchNorm; see `with_norm`.
        out: the folder to write; earlier heads there are replaced.

    Raises:
        InputError: there are no heads at `source`, none with BatchNorm to swap, or `out` holds other things.
    """
    check_heads(out)
    found = _find(source)
    heads = with_norm(found.pair, norm)
    assert found.manifest is not None
    manifest = replace(found.manifest, version=relinkage.__version__, norm=norm)
    if isinstance(manifest, HardenedHeads) and manifest.privacy is not None:
        # What is made of hardened heads alone spends nothing, so the statement goes on to speak of it.
        stated = replace(manifest.privacy, heads=fingerprint(heads_bytes(heads)))
        manifest = replace(manifest, privacy=stated)
    with whole_folder(out, MANIFEST, SCHEMA) as folder:
        save_heads(heads, folder / HEADS)
        write_record(folder / MANIFEST, manifest)
    return Heads(heads, manifest)


def _find(source: Path) -> Heads:
    if source.is_file():
        raise InputError(
            f"{source} is a file that does not say what trained its heads; name the folder that it came in."
        )
    if is_biovil(source):
        revision = fingerprint(*(file.read_bytes() for file in biovil_files(source)))
        return Heads(biovil_heads(source), OwnHeads(model=source.resolve().name, model_revision=revision))
    if (source / HEADS).is_file() or (source / MANIFEST).is_file():
        return _written(source)
    if not source.exists():
        raise InputError(f"{source} does not exist; name embeddings, heads or the folder of a model.")
    heads = layouts_of(source)[0].heads()
    own = OwnHeads(model=f"clip:{source.resolve().name}", model_revision=folder_digest(source))
    return Heads(heads, own)


def _written(source: Path) -> Heads:
    """Read heads that an earlier command wrote."""
    if holds_heads(source):
        return read_heads(source)
    manifest = read_json(source / MANIFEST, "the manifest of embeddings or heads")
    if manifest.get("schema") != schema_name(Manifest):
        raise InputError(f"{source} holds neither embeddings nor heads; name one of the two, or a model.")
    encoder = read_manifest(source).encoder
    if not (source / HEADS).is_file():
        raise InputError(
            f"{source} comes from towers that share no space, so it has no heads; train some with "
            f"`relinkage align {source} --out HEADS`."
        )
    own = OwnHeads(model=encoder.id, model_revision=encoder.revision)
    return Heads(load_heads(source / HEADS), own)
