"""Parts of an encoder out of a state dict: its folder, its linear heads, a digest of its files."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from relinkage.encoders.catalogue import CatalogueEntry
from relinkage.encoders.heads import HeadPair, HeadSpec
from relinkage.encoders.hub import file_sha256
from relinkage.errors import InputError


def model_folder(name: str, entry: CatalogueEntry) -> Path:
    """Give the folder of a model that is on no hub.

    Raises:
        InputError: there is no such folder.
    """
    if not name or not Path(name).is_dir():
        raise InputError(f"{name} is not a folder; name the one that holds {entry.id}: {entry.note}")
    return Path(name)


def part_of(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Give the tensors whose names begin with a prefix, by what follows it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


@torch.no_grad()
def linear_heads(
    tensors: Mapping[str, Tensor], image: str, text: str, widths: tuple[int, int], source: Path
) -> HeadPair:
    """Give two linear heads out of a state dict, in evaluation mode.

    Args:
        tensors: the state dict.
        image: name of the image head without `.weight`; its `.bias` is taken where there is one.
        text: name of the text head, likewise.
        widths: widths of the image and the text features.
        source: the file that they are from, for error messages.

    Raises:
        InputError: a head is missing or does not fit the towers.
    """
    specs = []
    for name, width in zip((image, text), widths, strict=True):
        weight = tensors.get(f"{name}.weight")
        if weight is None or weight.ndim != 2 or weight.shape[1] != width:
            raise InputError(
                f"{source} holds no matrix {name}.weight for {width} features; name the published file."
            )
        specs.append(
            HeadSpec("linear", features=width, embedding=len(weight), bias=f"{name}.bias" in tensors)
        )
    if specs[0].embedding != specs[1].embedding:
        raise InputError(
            f"{source}: the heads {image} and {text} end in different widths; name the published file."
        )
    heads = HeadPair(*specs)
    for name, head in ((image, heads.image), (text, heads.text)):
        try:
            head.load_state_dict(
                {part: value.float() for part, value in part_of(tensors, f"{name}.").items()}
            )
        except RuntimeError:
            raise InputError(
                f"{source}: the head {name} is of other shapes; name the published file."
            ) from None
    return heads.eval().requires_grad_(False)


def files_digest(files: Sequence[Path]) -> str:
    """Give a digest of the files that a model is loaded from, names included, as far as they exist."""
    digest = hashlib.sha256()
    for path in sorted(files):
        if path.is_file():
            digest.update(f"{path.name}\n".encode() + bytes.fromhex(file_sha256(path)))
    return f"sha256:{digest.hexdigest()}"
