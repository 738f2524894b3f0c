"""Shards: the safetensors files of an embeddings folder, each whole or absent."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from relinkage.errors import InputError
from relinkage.files import whole_file

Side = Literal["image", "text"]

WHOLE = "copy the embeddings folder whole, or remove it and embed the cohort again"
ANEW = "remove the embeddings folder and embed the cohort again"


def shard_name(side: Side, index: int) -> str:
    """Give the file name of a shard."""
    return f"{side}-{index:05d}.safetensors"


def write_shard(path: Path, tensors: Mapping[str, NDArray[Any]], left_out: Mapping[int, str]) -> None:
    """Write a shard.

    Args:
        path: the shard's file.
        tensors: arrays by name, with a row per kept item.
        left_out: why a cohort row of this shard was left out, by row number from 0.
    """
    with whole_file(path) as temporary:
        # One metadata key only: safetensors writes several in an order that changes from run to run.
        temporary.write_bytes(
            save(
                {name: np.ascontiguousarray(array) for name, array in tensors.items()},
                {"left_out": json.dumps(sorted(left_out.items()))},
            )
        )


def read_shard(path: Path, names: Collection[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read the arrays of a shard.

    Args:
        path: the shard's file.
        names: the arrays to read, as far as they are there; None for all.

    Raises:
        InputError: the shard is missing or damaged.
    """
    with _opened(path) as file:
        found = [name for name in file.keys() if names is None or name in names]  # noqa: SIM118 (not a dict)
        return {name: file.get_tensor(name) for name in found}


def shard_shapes(path: Path) -> dict[str, tuple[str, list[int]]]:
    """Give the type and the shape of every array of a shard, without reading them.

    Raises:
        InputError: the shard is missing or damaged.
    """
    with _opened(path) as file:
        names = [(name, file.get_slice(name)) for name in file.keys()]  # noqa: SIM118 (not a dict)
        return {name: (part.get_dtype(), part.get_shape()) for name, part in names}


def read_left_out(path: Path) -> dict[int, str]:
    """Read which cohort rows a shard left out, and why.

    Raises:
        InputError: the shard is missing or damaged.
    """
    with _opened(path) as file:
        told = (file.metadata() or {}).get("left_out", "[]")
    try:
        return dict(msgspec.json.decode(told, type=list[tuple[int, str]]))
    except msgspec.DecodeError:
        raise InputError(f"{path} does not say which rows it leaves out; {ANEW}.") from None


def heads_widths(path: Path) -> tuple[tuple[int, int], tuple[int, int]]:
    """Read what the heads of images and of texts take and give, by their description alone.

    Raises:
        InputError: the file is missing or damaged, or describes no heads.
    """
    with _opened(path) as file:
        told = (file.metadata() or {}).get("heads", "")
    try:
        sides = msgspec.json.decode(told, type=dict[str, _Widths])
        image, text = sides["image"], sides["text"]
    except (msgspec.DecodeError, KeyError):
        raise InputError(f"{path} holds no projection heads; {WHOLE}.") from None
    return (image.features, image.embedding), (text.features, text.embedding)


class _Widths(msgspec.Struct):
    features: int
    embedding: int


def _opened(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"{path} is missing; {WHOLE}.")
    try:
        return safe_open(path, "np")
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path} is damaged ({type(error).__name__}); copy the embeddings folder again, or embed the "
            "cohort again."
        ) from None
