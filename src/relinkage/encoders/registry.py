"""One name for each encoder: from what a person writes after `--model` to the encoder itself."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from relinkage.encoders.huggingface import is_hub_id, locate
from relinkage.encoders.mobilenet import MobileNetTower, Square, mobilenet_file
from relinkage.encoders.protocol import Encoder
from relinkage.encoders.towers import ImageTower, TextTower, Towers
from relinkage.errors import InputError

PHANTOMS = ("general", "label", "report")
FORMS = "phantom:general|label|report, clip:MODEL, towers:IMAGE+TEXT, a folder or a hub id owner/model"


@dataclass(frozen=True)
class EncoderOptions:
    """What can be chosen about an encoder beside its name.

    Attributes:
        device: `auto` takes a GPU where torch finds one.
        offline: never ask the network for a hub id; folders and the local Hugging Face cache only.
        image_size: side in pixels of the square that a MobileNetV2 tower sees; other encoders bring theirs.
        square: how a MobileNetV2 tower makes an image square: `pad` or `stretch`.
        text_dimension: width of the features of the `tfidf` tower, capped by what the reports allow.
        seed: seed of what is fitted (the SVD of `tfidf`).
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    offline: bool = False
    image_size: int = 224
    square: Square = "pad"
    text_dimension: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        if not 32 <= self.image_size <= 2048:
            raise InputError(f"The image size is {self.image_size}; give a number of pixels from 32 to 2048.")
        if self.square not in ("pad", "stretch"):
            raise InputError(f"The square is {self.square}; give pad or stretch.")


def load_encoder(model: str, *, options: EncoderOptions | None = None) -> Encoder:
    """Load the encoder that a name stands for.

    Args:
        model: `phantom:general`, `phantom:label` or `phantom:report`; `clip:` and a folder or hub id;
            `towers:IMAGE+TEXT`, where IMAGE is a folder or hub id of a vision model and TEXT one of a text
            model, or `tfidf`; or a bare folder or hub id of a CLIP model. A hub id may end in `@revision`.
        options: choices beside the name.

    Raises:
        InputError: nothing goes by that name, a package is missing, or the model's files cannot be used.
    """
    options = options or EncoderOptions()
    kind, colon, name = model.partition(":")
    if colon and kind == "phantom":
        return _phantom(name)
    device = _device(options.device)
    if colon and kind == "clip":
        return _clip(name, device, options)
    if colon and kind == "towers":
        return _towers(name, device, options)
    folder = bool(model) and Path(model).is_dir()
    if folder and mobilenet_file(Path(model)):
        raise InputError(f"{model} is an image tower only; add a text tower, as in towers:{model}+tfidf.")
    if folder or is_hub_id(model):
        return _clip(model, device, options)
    raise InputError(f"{model} is no encoder that relinkage knows; give {FORMS}.")


def _phantom(name: str) -> Encoder:
    if name not in PHANTOMS:
        raise InputError(f"phantom:{name} does not exist; give phantom: and one of {', '.join(PHANTOMS)}.")
    from relinkage.encoders.phantom import load_phantom_encoder

    return load_phantom_encoder(name)


def _clip(name: str, device: torch.device, options: EncoderOptions) -> Encoder:
    from relinkage.encoders.clip import ClipEncoder

    return ClipEncoder(locate(name, offline=options.offline), device)


def _towers(names: str, device: torch.device, options: EncoderOptions) -> Encoder:
    image, plus, text = names.rpartition("+")
    if not (plus and image and text):
        raise InputError(f"towers:{names} does not name two towers; give towers:IMAGE+TEXT.")
    return Towers(_image_tower(image, device, options), _text_tower(text, device, options), device)


def _image_tower(name: str, device: torch.device, options: EncoderOptions) -> ImageTower:
    folder = Path(name)
    if folder.is_dir() and mobilenet_file(folder):
        return MobileNetTower(folder, device, size=options.image_size, square=options.square)
    from relinkage.encoders.transformers_towers import VisionTower

    return VisionTower(locate(name, offline=options.offline), device)


def _text_tower(name: str, device: torch.device, options: EncoderOptions) -> TextTower:
    if name == "tfidf":
        from relinkage.encoders.tfidf import TfidfTower

        return TfidfTower(dimension=options.text_dimension, seed=options.seed)
    from relinkage.encoders.transformers_towers import TextTransformerTower

    return TextTransformerTower(locate(name, offline=options.offline), device)


def _device(choice: str) -> torch.device:
    if choice not in ("auto", "cpu", "cuda"):
        raise InputError(f"The device is {choice}; give auto, cpu or cuda.")
    if choice == "cuda" and not torch.cuda.is_available():
        raise InputError("torch finds no CUDA device on this machine; give the device cpu or auto.")
    return torch.device("cuda" if choice != "cpu" and torch.cuda.is_available() else "cpu")
