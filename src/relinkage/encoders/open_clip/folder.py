"""A model in the layout of open_clip on this machine: its weights, and what its text tower needs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relinkage.encoders.catalogue import find_entry
from relinkage.encoders.hub import OPEN_CLIP, TEXT_SETTINGS, from_hub
from relinkage.encoders.huggingface import ModelFolder, has_vocabulary, is_hub_id, locate
from relinkage.errors import InputError
from relinkage.files import read_json

TEXT = "text"
"""Where, in the model's folder, a text tower's configuration and vocabulary are looked for first."""

_PREFIXES = ("hf-hub:", "local-dir:")
_RUNS_OR_LOADS = {"checkpoint_path", "pretrained", "pretrained_cfg", "pretrained_cfg_overlay"}


@dataclass(frozen=True)
class OpenClipFolder:
    """Where the parts of a model are.

    Attributes:
        model: its folder; `config` is the whole open_clip_config.json.
        weights: its weight file.
        text: where a Hugging Face text tower's configuration is; None where the text tower is open_clip's.
        tokenizer: where a Hugging Face tokenizer is; None where the tokenizer is open_clip's.
    """

    model: ModelFolder
    weights: Path
    text: ModelFolder | None
    tokenizer: ModelFolder | None

    @property
    def vision_cfg(self) -> dict[str, Any]:
        """What open_clip_config.json says of the image tower."""
        return dict(self.model.config["model_cfg"]["vision_cfg"])

    @property
    def text_cfg(self) -> dict[str, Any]:
        """What open_clip_config.json says of the text tower."""
        return dict(self.model.config["model_cfg"]["text_cfg"])

    @property
    def embedding(self) -> int:
        """Width of the shared space."""
        return int(self.model.config["model_cfg"]["embed_dim"])


def find_open_clip(name: str, *, download: bool) -> OpenClipFolder:
    """Find a model and what its text tower needs.

    Args:
        name: a folder or a hub id, as in `locate`; `hf-hub:` and `local-dir:` may stand before.
        download: whether the hub may be asked.

    Raises:
        InputError: a part is missing, or the configuration asks for code or files of others.
    """
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    model = locate(name, wanted=OPEN_CLIP, download=download)
    _check_config(model)
    weights = [model.path / file for file in OPEN_CLIP.weights if (model.path / file).is_file()]
    if not weights:
        raise InputError(f"{model.path} holds no weights ({', '.join(OPEN_CLIP.weights)}); copy them there.")
    stated = model.config["model_cfg"]["text_cfg"]
    tower, vocabulary = stated.get("hf_model_name"), stated.get("hf_tokenizer_name")
    text = _text_folder(str(tower), model, download) if tower else None
    tokenizer = None
    if vocabulary:
        # open_clip looks in the model's own folder, but not every copy has a vocabulary there.
        own = has_vocabulary(model.path)
        tokenizer = model if own else _text_folder(str(vocabulary), model, download)
    return OpenClipFolder(model, weights[0], text, tokenizer)


def _check_config(model: ModelFolder) -> None:
    where = model.path / OPEN_CLIP.config
    config = model.config.get("model_cfg")
    config = config if isinstance(config, dict) else {}
    vision, text = config.get("vision_cfg"), config.get("text_cfg")
    if not (isinstance(vision, dict) and isinstance(text, dict) and isinstance(config.get("embed_dim"), int)):
        raise InputError(f"{where} does not describe an image tower and a text tower; copy the file again.")
    if (text.get("tokenizer_kwargs") or {}).get("trust_remote_code"):
        raise InputError(
            f"{where} asks for a tokenizer whose own code would be run, which relinkage never does; "
            "take trust_remote_code out of it or name another model."
        )
    if asked := _RUNS_OR_LOADS & set(vision.get("timm_model_kwargs") or {}):
        raise InputError(
            f"{where} has the image tower load a file of its own ({', '.join(sorted(asked))}); "
            "take that out of timm_model_kwargs, as the weights are in the model's own file."
        )


def _text_folder(name: str, model: ModelFolder, download: bool) -> ModelFolder:
    """Find a text tower's configuration and vocabulary: in the model's folder, beside it, or in the cache."""
    last = name.rstrip("/").rpartition("/")[2]
    for folder in (model.path / TEXT, Path(name), model.path / name, model.path.resolve().parent / last):
        if (folder / TEXT_SETTINGS.config).is_file():
            return _model_folder(folder, last)
    hub_id, _, revision = name.partition("@")
    reason = ""
    if is_hub_id(name):
        try:
            return _model_folder(from_hub(hub_id, revision or None, TEXT_SETTINGS, download=download), name)
        except InputError:
            reason = ", and the hub did not give them" if download else ", and nothing asks the network here"
    entry = find_entry(model.name)
    raise InputError(
        f"The text tower of {model.path} needs the configuration and vocabulary of {name}, which are not on "
        f"this machine{reason}; copy config.json, tokenizer_config.json and vocab.txt of that repository to "
        f"{model.path / TEXT}"
        + (f" (see `relinkage models --offline-plan {entry.id}`)." if entry else ", or add --download.")
    )


def _model_folder(path: Path, name: str) -> ModelFolder:
    config = read_json(path / TEXT_SETTINGS.config, "a text model's config.json")
    return ModelFolder(path, name, revision="", licence="", config=config)
