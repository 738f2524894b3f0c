"""Weights in a file: read without running anything that stands in it, written as safetensors."""

import errno
import os
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from relinkage.errors import InputError


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read all tensors of a checkpoint, safetensors or a pickle of nothing but tensors.

    A training checkpoint's `state_dict` is unwrapped, and the prefix `module.` of parallel training removed.

    Raises:
        InputError: the file is missing or damaged, or could only be read by running code.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist; copy the model's weight files whole.")
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, "pt") as file:
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        values = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged pickles raise every kind, from IndexError to struct.error
        raise InputError(
            f"{path} cannot be read as weights ({type(error).__name__}); it must be safetensors, or a torch "
            "file of tensors that needs no code to be run."
        ) from None
    return _tensors(values, path)


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Give the shapes of a checkpoint's tensors by name; of safetensors, without reading them.

    Raises:
        InputError: as in `read_weights`.
    """
    if path.suffix != ".safetensors" or not path.is_file():
        return {name: tuple(tensor.shape) for name, tensor in read_weights(path).items()}
    try:
        with safe_open(path, "pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path} cannot be read as weights ({type(error).__name__}); copy the file again."
        ) from None


def write_weights(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write tensors as safetensors, in the form that transformers and open_clip read.

    Tensors that share memory become copies.

    Raises:
        OSError: they cannot be written.
    """
    seen: set[int] = set()
    own: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        own[name] = tensor.clone().contiguous() if place in seen else tensor.contiguous()
        seen.add(place)
    try:
        save_file(own, path, {"format": "pt"})
    except SafetensorError as error:  # the reason stands in its text alone
        told = re.search(r"\(os error (\d+)\)", str(error))
        number = int(told[1]) if told else errno.EIO
        raise OSError(number, os.strerror(number), str(path)) from error


def _tensors(values: Any, path: Path) -> dict[str, Tensor]:
    if isinstance(values, dict) and isinstance(values.get("state_dict"), dict):
        values = values["state_dict"]
    found = (
        {str(name): value.detach() for name, value in values.items() if isinstance(value, Tensor)}
        if isinstance(values, dict)
        else {}
    )
    if not found:
        raise InputError(f"{path} holds no weights by name; name a checkpoint's state dict.")
    if all(name.startswith("module.") for name in found):
        found = {name.removeprefix("module."): value for name, value in found.items()}
    return found
