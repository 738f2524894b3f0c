"""Layouts of a published model's folder: that of transformers and that of open_clip."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from relinkage.encoders.checkpoints.places import (
    OPEN_CLIP_IMAGE,
    OPEN_CLIP_TEXT,
    TRANSFORMERS_IMAGE,
    TRANSFORMERS_TEXT,
    Place,
    check_fit,
    find_place,
    read_heads_at,
    tensors_of,
)
from relinkage.encoders.checkpoints.weights import read_shapes, read_weights, write_weights
from relinkage.encoders.heads import HeadPair
from relinkage.errors import InputError
from relinkage.files import read_json, write_json

Name = Literal["transformers", "open_clip"]

_INDEX, _TORCH_INDEX = "model.safetensors.index.json", "pytorch_model.bin.index.json"
_POOLS = ("abs_attn", "rot_attn")
"""timm pooling whose own width is that of the shared space."""


@dataclass(frozen=True, eq=False)
class Layout:
    """A model in one layout.

    Attributes:
        name: `transformers` (CLIP) or `open_clip`.
        folder: where it lies.
        config: its configuration.
        files: its weight files, in the order in which the library looks for them.
        shards: of a checkpoint in several files, which file holds which tensor; empty for one file.
        places: where the image head and the text head are.
    """

    name: Name
    folder: Path
    config: dict[str, Any]
    files: tuple[Path, ...]
    shards: dict[str, str]
    places: tuple[Place, Place]

    @property
    def config_file(self) -> str:
        """The name of the configuration's file."""
        return "config.json" if self.name == "transformers" else "open_clip_config.json"

    def heads(self) -> HeadPair:
        """Read the model's own heads, in evaluation mode.

        Raises:
            InputError: a weight file cannot be read.
        """
        names = {layer.weight for place in self.places for layer in place.layers}
        tensors: dict[str, Tensor] = {}
        for file in self.files:
            if not self.shards or names & {name for name, held in self.shards.items() if held == file.name}:
                tensors |= read_weights(file)
        return read_heads_at(self.places, tensors)

    def check(self, heads: HeadPair) -> None:
        """Check that heads can take the place of the model's own.

        Raises:
            InputError: they cannot, as one sentence says.
        """
        check_fit(heads, self.places, self.folder)
        width = heads.image_spec.embedding
        if width != self.places[0].embedding and self._fixed_width():
            raise InputError(
                f"The heads end in {width} dimensions and other parts of {self.folder} need "
                f"{self.places[0].embedding}; train heads of that width."
            )

    def write(self, heads: HeadPair, out: Path) -> None:
        """Write the configuration and the weights, with `heads` in place of the model's own, as safetensors.

        Args:
            heads: heads that `check` let through; written as float32.
            out: the folder to write to.
        """
        config = json.loads(json.dumps(self.config))
        if heads.image_spec.embedding != self.places[0].embedding:
            self._set_width(config, heads.image_spec.embedding)
        write_json(out / self.config_file, config)
        made = tensors_of(heads, self.places)
        sizes = 0
        for file in self.files:
            tensors = read_weights(file)
            tensors |= {name: tensor for name, tensor in made.items() if name in tensors}
            name = _as_safetensors(file.name) if self.shards else _ONE_FILE[self.name]
            write_weights(out / name, tensors)
            sizes += sum(tensor.nbytes for tensor in tensors.values())
        if self.shards:
            shards = {name: _as_safetensors(file) for name, file in self.shards.items()}
            write_json(out / _INDEX, {"metadata": {"total_size": sizes}, "weight_map": shards})

    def _fixed_width(self) -> bool:
        """Whether anything but two matrices depends on the width of the shared space."""
        if any(place.kind == "mlp" for place in self.places):
            return True
        model = self.config.get("model_cfg", {})
        vision = model.get("vision_cfg", {})
        return (
            "multimodal_cfg" in model
            or bool(vision.get("attentional_pool"))
            or vision.get("timm_pool") in _POOLS
        )

    def _set_width(self, config: dict[str, Any], width: int) -> None:
        if self.name == "open_clip":
            config["model_cfg"]["embed_dim"] = width
            return
        config["projection_dim"] = width
        for part in ("text_config", "vision_config", "text_config_dict", "vision_config_dict"):
            if isinstance(config.get(part), dict):
                config[part]["projection_dim"] = width


_ONE_FILE: dict[Name, str] = {"transformers": "model.safetensors", "open_clip": "open_clip_model.safetensors"}
_FILES: dict[Name, tuple[str, ...]] = {
    "transformers": ("model.safetensors", _INDEX, "pytorch_model.bin", _TORCH_INDEX),
    "open_clip": (
        "open_clip_model.safetensors",
        "open_clip_pytorch_model.safetensors",
        "open_clip_pytorch_model.bin",
    ),
}


def layouts_of(folder: Path) -> list[Layout]:
    """Find the layouts that a model's folder has; some published folders have both.

    Raises:
        InputError: the folder holds neither a CLIP model in the layout of transformers nor a model in the
            layout of open_clip, or its weights are missing, damaged or without projection heads.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; name the folder of a model.")
    found = []
    if (folder / "config.json").is_file():
        config = read_json(folder / "config.json", "a model's config.json")
        if config.get("model_type") == "clip":
            found += _layout("transformers", folder, config, TRANSFORMERS_IMAGE, TRANSFORMERS_TEXT)
    if (folder / "open_clip_config.json").is_file():
        config = read_json(folder / "open_clip_config.json", "a model's open_clip_config.json")
        if not isinstance(config.get("model_cfg"), dict):
            raise InputError(f"{folder / 'open_clip_config.json'} has no model_cfg; copy the file again.")
        found += _layout("open_clip", folder, config, OPEN_CLIP_IMAGE, OPEN_CLIP_TEXT)
    if not found:
        raise InputError(
            f"{folder} holds no CLIP model of transformers (config.json of the type clip and its weights) "
            "and none of open_clip (open_clip_config.json and its weights); name the folder of one."
        )
    return found


def _layout(
    name: Name,
    folder: Path,
    config: dict[str, Any],
    image: tuple[tuple[str, ...], ...],
    text: tuple[tuple[str, ...], ...],
) -> list[Layout]:
    """Give the layout, or none where its weights are not there."""
    present = [folder / file for file in _FILES[name] if (folder / file).is_file()]
    if not present:
        return []
    files: tuple[Path, ...] = (present[0],)
    shards: dict[str, str] = {}
    indexed = present[0].name in (_INDEX, _TORCH_INDEX)
    if indexed:
        files = tuple(folder / file for file in sorted(set(_weight_map(present[0]).values())))
    shapes: dict[str, tuple[int, ...]] = {}
    for file in files:
        held = read_shapes(file)
        shapes |= held
        shards |= dict.fromkeys(held, file.name) if indexed else {}
    places = find_place("image", shapes, image, folder), find_place("text", shapes, text, folder)
    return [Layout(name, folder, config, files, shards, places)]


def _as_safetensors(file: str) -> str:
    """Give the name under which transformers looks for a part of a checkpoint as safetensors."""
    return Path(file.replace("pytorch_model", "model", 1)).with_suffix(".safetensors").name


def _weight_map(index: Path) -> dict[str, str]:
    found = read_json(index, "an index of weights").get("weight_map")
    if (
        not isinstance(found, dict)
        or not found
        or not all(isinstance(file, str) and file == Path(file).name for file in found.values())
    ):
        raise InputError(f"{index} does not say which file holds which tensor; copy the file again.")
    return found
