"""Any model of open_clip, built by open_clip itself and cut before its heads."""

import logging
import pickle
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from relinkage.encoders.card import TextHandling
from relinkage.encoders.checkpoints.places import Place
from relinkage.encoders.checkpoints.weights import read_weights
from relinkage.encoders.hub import OPEN_CLIP
from relinkage.encoders.huggingface import ModelFolder
from relinkage.encoders.open_clip.folder import OpenClipFolder
from relinkage.encoders.open_clip.towers import OpenClipTowers, Tokens, own_heads
from relinkage.encoders.tokens import same_in_capitals
from relinkage.errors import InputError
from relinkage.files import write_json

_SETTINGS = (".json", ".txt", ".model")
_AGREES = 1e-4


def library_towers(folder: OpenClipFolder) -> OpenClipTowers:
    """Build the towers of a model with open_clip, which is kept from the network.

    Raises:
        InputError: open_clip is not installed or cannot build the model, the weights cannot be read without
            running code, or the model's projections are not heads of relinkage.
    """
    open_clip = _open_clip(folder)
    tensors = read_weights(folder.weights)
    heads, projections = own_heads(tensors, folder.embedding, folder.model.path)
    with _kept_to_itself(), _readable(folder), tempfile.TemporaryDirectory() as temporary:
        _lay_out(folder, Path(temporary))
        # open_clip reads weights with weights_only, and asks for every one of them.
        model = open_clip.create_model(f"local-dir:{temporary}", require_pretrained=True)
        tokenizer = open_clip.get_tokenizer(f"local-dir:{temporary}")
        if isinstance(model.visual.image_size, int):
            height = width = model.visual.image_size
        else:
            height, width = model.visual.image_size
    limit = int(model.context_length if folder.text is None else folder.text_cfg.get("context_length", 77))
    model.eval().requires_grad_(False)

    # Where the one token more of a longer limit stands that is padding: after the text, before it, or before
    # the class token that ends all texts of one of open_clip's ways.
    ends = getattr(tokenizer, "tokenizer_mode", "") == "clips"
    places = (limit - 1,) if ends else (limit, 0)

    def tokenize(texts: Any) -> Tokens:
        short, longer = (tokenizer(list(texts), context_length=length) for length in (limit, limit + 1))
        empty = tokenizer([""], context_length=limit + 1)[0]
        whole = np.zeros(len(short), np.bool_)
        for place in places:
            rest = torch.cat([longer[:, :place], longer[:, place + 1 :]], 1)
            whole |= ((rest == short).all(1) & (longer[:, place] == empty[place])).numpy()
        return short, ~whole

    folded = same_in_capitals(lambda text: tokenizer([text], context_length=limit).tolist())
    handling = TextHandling(
        case="folded" if folded else "kept", padding="to the limit, as open_clip pads", cut="end"
    )
    pixels = torch.linspace(-1, 1, 3 * height * width).view(1, 3, height, width)
    tokens = tokenize(["No acute findings."])[0]
    with torch.inference_mode(), _readable(folder):
        whole = [model.encode_image(pixels, normalize=True), model.encode_text(tokens, normalize=True)]
        for place in projections:
            _cut(model, place)
        towers = OpenClipTowers(
            _Image(model), _Text(model), tokenize, heads, limit, "open_clip", "the model's own", handling
        )
        parts = [heads.embed_images(towers.image(pixels)), heads.embed_texts(towers.text(tokens))]
    if any((one - other).abs().max() > _AGREES for one, other in zip(whole, parts, strict=True)):
        raise InputError(
            f"The projections of {folder.model.path} are of a kind that relinkage has no heads for; "
            "embed with the model's own library and audit the arrays."
        )
    return towers


class _Image(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.visual = model.visual

    def forward(self, pixels: Tensor) -> Tensor:
        features = self.visual(pixels)
        return features[0] if isinstance(features, tuple) else features


class _Text(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        return self.model.encode_text(tokens)


def _cut(model: Any, place: Place) -> None:
    """Take a projection out of the model; one that is the identity is not in it."""
    name = place.layers[0].weight
    if name in ("visual.proj", "text_projection", "text.text_projection"):
        owner, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(owner), attribute, None)
    elif name.removesuffix(".weight").endswith("text_projection"):
        owner, _, attribute = name.removesuffix(".weight").rpartition(".")
        setattr(model.get_submodule(owner), attribute, None)
    elif name.startswith("visual.head."):
        part = name.split(".")[2]
        setattr(model.visual.head, part, nn.Identity())
    elif name.startswith("text.proj."):
        model.text.proj = nn.Identity()


def _lay_out(folder: OpenClipFolder, out: Path) -> None:
    """Lay a model out as open_clip looks for it, with every name of the hub turned into a folder here."""
    config = {**folder.model.config, "model_cfg": dict(folder.model.config["model_cfg"])}
    if folder.text is not None:
        config["model_cfg"]["text_cfg"] = folder.text_cfg | {"hf_model_name": str(folder.text.path.resolve())}
    write_json(out / OPEN_CLIP.config, config)
    (out / folder.weights.name).symlink_to(folder.weights.resolve())
    if folder.tokenizer is not None:
        for file in _settings_of(folder.tokenizer):
            if not (out / file.name).exists():
                (out / file.name).symlink_to(file.resolve())


def _settings_of(folder: ModelFolder) -> Iterator[Path]:
    return (file for file in folder.path.iterdir() if file.suffix in _SETTINGS and file.is_file())


def _open_clip(folder: OpenClipFolder) -> Any:
    try:
        import open_clip
    except (ImportError, RuntimeError) as error:  # a torchvision that does not fit torch raises RuntimeError
        why = (
            "" if isinstance(error, ImportError) else " (its torchvision does not fit the torch that is here)"
        )
        raise InputError(
            f"{folder.model.path} has towers that only open_clip builds{why}; "
            "run pip install 'relinkage[open-clip]'."
        ) from None
    return open_clip


@contextmanager
def _kept_to_itself() -> Iterator[None]:
    """Keep open_clip, timm and transformers from the network, and what they log off stderr."""
    from huggingface_hub import constants

    offline, disabled = constants.HF_HUB_OFFLINE, logging.root.manager.disable
    constants.HF_HUB_OFFLINE = True
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = offline
        logging.disable(disabled)


@contextmanager
def _readable(folder: OpenClipFolder) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except (pickle.UnpicklingError, SafetensorError, Exception) as error:  # the libraries raise every kind
        raise InputError(
            f"open_clip cannot build {folder.model.path} ({type(error).__name__}); "
            "check that its weights belong to its open_clip_config.json."
        ) from None
