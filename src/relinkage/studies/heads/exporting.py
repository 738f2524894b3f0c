"""Heads put back into the model they were trained for, as a checkpoint that other programs load."""

from pathlib import Path
from typing import Any

import relinkage
from relinkage.alignment import Heads, read_heads
from relinkage.encoders.checkpoints import copy_rest, layouts_of
from relinkage.encoders.huggingface import folder_digest
from relinkage.errors import InputError
from relinkage.files import fingerprint, whole_folder, write_json
from relinkage.privacy.statement import read_statement

SCHEMA = "relinkage.export/1"
MANIFEST, CARD = "relinkage-export.json", "README.md"
BEGIN = "<!-- relinkage export -->"

_PUBLIC = ("schema", "version", "model", "model_revision", "origin", "norm", "settings", "privacy")
"""What of a manifest may be published where training was not private: nothing counted on its pairs."""


def export(heads: Path, model: Path, out: Path, *, any_revision: bool = False) -> dict[str, Any]:
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
    trained = read_heads(heads)
    if out.resolve().is_relative_to(model.resolve()):
        raise InputError(f"{out} lies in the model's own folder {model}; name a folder outside of it.")
    layouts = layouts_of(model)
    for layout in layouts:
        layout.check(trained.pair)
    revision = folder_digest(model)
    if not any_revision:
        _check_revision(trained, heads, model, revision)
    manifest: dict[str, Any] = {
        "schema": SCHEMA,
        "version": relinkage.__version__,
        "model": model.resolve().name,
        "model_revision": revision,
        "layouts": [layout.name for layout in layouts],
        "dimension": trained.pair.image_spec.embedding,
        "heads": {"fingerprint": _fingerprint(heads), "manifest": _published(trained) or None},
        "privacy": privacy_sentence(trained),
    }
    with whole_folder(out, MANIFEST, SCHEMA) as folder:
        for layout in layouts:
            layout.write(trained.pair, folder)
        behind = copy_rest(model, folder, leave=(CARD, MANIFEST))
        rewritten = {file.name for layout in layouts for file in layout.files}
        manifest["left_out"] = [
            name for name in behind if name not in rewritten and not (folder / name).exists()
        ]
        _write_card(model / CARD, folder / CARD, manifest)
        write_json(folder / MANIFEST, manifest)
    return manifest


def privacy_sentence(heads: Heads) -> str:
    """Say in a sentence what is known of the privacy of heads' training.

    Raises:
        InputError: the manifest holds a privacy statement that cannot be read.
    """
    stated = heads.manifest.get("privacy")
    if isinstance(stated, dict):
        sentence = read_statement(stated, "The manifest of the heads").sentence
        return sentence[0].upper() + sentence[1:].rstrip(".") + "."
    if heads.manifest.get("origin"):
        return f"The heads are {heads.manifest['origin']}, not trained with differential privacy."
    if stated == "none":
        return "The heads were trained without differential privacy."
    return "Nothing is known of how the heads were trained, so nothing can be said of their privacy."


def _check_revision(trained: Heads, heads: Path, model: Path, revision: str) -> None:
    stated = trained.manifest.get("model_revision")
    if stated not in (None, revision, model.resolve().name):
        raise InputError(
            f"{heads} was trained on features of {trained.manifest.get('model')} at another revision than "
            f"{model} is; name the folder that was embedded, or add --any-revision if the two are one model."
        )


def _fingerprint(heads: Path) -> str:
    file = heads / "heads.safetensors" if heads.is_dir() else heads
    return fingerprint(file.read_bytes())


def _published(trained: Heads) -> dict[str, Any]:
    """Give what may be published of the heads' manifest; `harden` writes nothing else."""
    if isinstance(trained.manifest.get("privacy"), dict):
        return trained.manifest
    return {key: value for key, value in trained.manifest.items() if key in _PUBLIC}


def _write_card(source: Path, target: Path, manifest: dict[str, Any]) -> None:
    """Write the model's own card and, after it, what was replaced; an earlier such part goes."""
    own = source.read_text(encoding="utf-8", errors="replace") if source.is_file() else ""
    own = own.split(BEGIN)[0].rstrip()
    part = f"""{BEGIN}
## Projection heads

The projection heads of this checkpoint were replaced with `relinkage export` {manifest["version"]}.
Everything else is that of {manifest["model"]} ({manifest["model_revision"]}).
What the card says of retrieval, zero-shot figures and alignment was said of the earlier heads.
The shared space has {manifest["dimension"]} dimensions.

{manifest["privacy"]}
This speaks of the training of the heads alone, not of the towers, and is no measurement of linkage.
`{MANIFEST}` holds it as data.
"""
    target.write_text(f"{own}\n\n{part}" if own else part, encoding="utf-8")
