"""A training checkpoint with its configuration, read without running anything that stands in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from relinkage.encoders.checkpoints.weights import read_weights
from relinkage.errors import InputError

_SETTINGS_OBJECTS = (
    "omegaconf.dictconfig.DictConfig",
    "omegaconf.listconfig.ListConfig",
    "omegaconf.base.ContainerMetadata",
    "omegaconf.base.Metadata",
    "omegaconf.nodes.AnyNode",
    "typing.Any",
    "collections.defaultdict",
    "builtins.dict",
    "builtins.list",
    "builtins.int",
)
"""What OmegaConf 2 pickles a list of settings as; nothing of it is needed."""


class _Blank:
    """Stands where a checkpoint names an object of OmegaConf; takes whatever comes and does nothing."""

    def __new__(cls, *_arguments: Any) -> "_Blank":
        return super().__new__(cls)

    def __init__(self, *_arguments: Any) -> None:
        pass

    def __setstate__(self, _state: Any) -> None:
        pass


@dataclass(frozen=True, eq=False)
class TrainingCheckpoint:
    """What a training run saved.

    Attributes:
        tensors: the model's weights by name.
        config: its settings as nested dictionaries; empty where the file holds weights alone.
    """

    tensors: Mapping[str, Tensor]
    config: Mapping[str, Any]

    def setting(self, *path: str, default: Any) -> Any:
        """Give a setting by the names that lead to it, or a default where there is none of that kind."""
        value: Any = self.config
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value if isinstance(value, type(default)) else default


def read_training_checkpoint(path: Path) -> TrainingCheckpoint:
    """Read a torch file `{"model": state dict, "config": settings, …}`, or a state dict alone.

    It is read with `weights_only=True`. Settings that OmegaConf left in it, which that refuses, are blanked:
    no code of OmegaConf is run, and it need not be installed.

    Raises:
        InputError: the file is missing or damaged, holds no weights, or could only be read by running code.
    """
    if path.suffix == ".safetensors" or not path.is_file():
        return TrainingCheckpoint(read_weights(path), {})
    try:
        with torch.serialization.safe_globals([(_Blank, name) for name in _SETTINGS_OBJECTS]):
            values = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged pickles and archives raise every kind
        raise InputError(
            f"{path} cannot be read as weights ({type(error).__name__}); it must be a torch file of tensors "
            "and plain settings that needs no code to be run."
        ) from None
    if not isinstance(values, dict) or not isinstance(values.get("model"), dict):
        return TrainingCheckpoint(read_weights(path), {})
    tensors = {str(name): value for name, value in values["model"].items() if isinstance(value, Tensor)}
    if not tensors:
        raise InputError(f"{path} holds no weights under its name model; name a checkpoint of CXR-CLIP.")
    config = values.get("config")
    return TrainingCheckpoint(tensors, config if isinstance(config, dict) else {})
