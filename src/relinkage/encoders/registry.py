"""One name for each encoder: from what a person writes after `--model` to the encoder itself.

A name is `FAMILY:REST`. Each family has a loader here, which imports what it needs when it is asked for.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from relinkage.encoders.catalogue import find_entry
from relinkage.encoders.huggingface import is_hub_id, locate
from relinkage.encoders.mobilenet import MobileNetTower, mobilenet_file
from relinkage.encoders.protocol import Encoder
from relinkage.encoders.settings import EncoderOptions
from relinkage.encoders.towers import ImageTower, TextTower, Towers
from relinkage.errors import InputError
from relinkage.files import read_json

PHANTOMS = ("general", "label", "report")

Loader = Callable[[str, EncoderOptions], Encoder]
"""From what stands after `FAMILY:` to an encoder."""


def load_encoder(model: str, *, options: EncoderOptions | None = None) -> Encoder:
    """Load the encoder that a name stands for.

    Args:
        model: `FAMILY:FOLDER` or `FAMILY:HUB-ID`, where FAMILY is one of `LOADERS`; `phantom:general`,
            `phantom:label` or `phantom:report`; `towers:IMAGE+TEXT`, where IMAGE is a folder or hub id of a
            vision model and TEXT one of a text model, or `tfidf`; the id of an entry of the catalogue; or a
            bare folder, whose files say what it is, or a bare hub id. A hub id may end in `@revision`.
        options: choices beside the name.

    Raises:
        InputError: nothing goes by that name, a package is missing, or the model's files cannot be used.
    """
    options = options or EncoderOptions()
    if (entry := find_entry(model)) is not None:
        model = entry.names[0]
    family, colon, name = model.partition(":")
    if colon and family in LOADERS:
        return LOADERS[family](name, options)
    if model and Path(model).is_dir():
        return LOADERS[_family_of(Path(model))](model, options)
    if is_hub_id(model):
        return _clip(model, options)
    families = ", ".join(f"{family}:{rest}" for family, rest in FORMS.items())
    raise InputError(
        f"{model} is not an encoder that relinkage knows; give {families}, a folder, a hub id owner/model, "
        "or an id that `relinkage models` lists."
    )


def _family_of(folder: Path) -> str:
    """Tell the family of a model by the files in its folder; `clip` says what is wrong where none fits."""
    if mobilenet_file(folder):
        raise InputError(f"{folder} is an image tower only; add a text tower, as in towers:{folder}+tfidf.")
    if images := sorted(file.name for file in folder.glob("biovil*image*.pt")):
        return "biovil-t" if images[0].startswith("biovil_t") else "biovil"
    kind = ""
    if (folder / "config.json").is_file():
        kind = str(read_json(folder / "config.json", "a model's config.json").get("model_type", ""))
    if kind in ("siglip", "siglip2"):
        return "siglip"
    if kind != "clip" and (folder / "open_clip_config.json").is_file():
        return "open_clip"
    return "clip"


def _phantom(name: str, options: EncoderOptions) -> Encoder:
    if name not in PHANTOMS:
        raise InputError(f"phantom:{name} does not exist; give phantom: and one of {', '.join(PHANTOMS)}.")
    from relinkage.encoders.phantom import load_phantom_encoder

    return load_phantom_encoder(name)


def _clip(name: str, options: EncoderOptions) -> Encoder:
    from relinkage.encoders.clip import load_clip

    device = options.torch_device()
    return load_clip(locate(name, download=options.download), device)


def _siglip(name: str, options: EncoderOptions) -> Encoder:
    from relinkage.encoders.siglip import load_siglip

    device = options.torch_device()
    return load_siglip(locate(name, download=options.download), device)


def _open_clip(name: str, options: EncoderOptions) -> Encoder:
    from relinkage.encoders.open_clip import load_open_clip

    return load_open_clip(name, options)


def _towers(names: str, options: EncoderOptions) -> Encoder:
    device = options.torch_device()
    image, plus, text = names.rpartition("+")
    if not (plus and image and text):
        raise InputError(f"towers:{names} does not name two towers; give towers:IMAGE+TEXT.")
    return Towers(_image_tower(image, options), _text_tower(text, options), device)


def _image_tower(name: str, options: EncoderOptions) -> ImageTower:
    folder, device = Path(name), options.torch_device()
    if folder.is_dir() and mobilenet_file(folder):
        return MobileNetTower(folder, device, size=options.image_size, square=options.square)
    from relinkage.encoders.transformers_towers import VisionTower

    return VisionTower(locate(name, download=options.download), device)


def _text_tower(name: str, options: EncoderOptions) -> TextTower:
    if name == "tfidf":
        from relinkage.encoders.tfidf import TfidfTower

        return TfidfTower(dimension=options.text_dimension, seed=options.seed)
    from relinkage.encoders.transformers_towers import TextTransformerTower

    return TextTransformerTower(locate(name, download=options.download), options.torch_device())


def _biovil(name: str, options: EncoderOptions) -> Encoder:
    from relinkage.encoders.state_dicts.biovil import load_biovil

    return load_biovil(name, options)


def _biovil_t(name: str, options: EncoderOptions) -> Encoder:
    from relinkage.encoders.state_dicts.biovil import load_biovil_t

    return load_biovil_t(name, options)


def _cxr_clip(name: str, options: EncoderOptions) -> Encoder:
    from relinkage.encoders.state_dicts.cxr_clip import load_cxr_clip

    return load_cxr_clip(name, options)


def _medclip(name: str, options: EncoderOptions) -> Encoder:
    from relinkage.encoders.state_dicts.medclip import load_medclip

    return load_medclip(name, options)


LOADERS: Mapping[str, Loader] = {
    "phantom": _phantom,
    "clip": _clip,
    "siglip": _siglip,
    "open_clip": _open_clip,
    "towers": _towers,
    "biovil": _biovil,
    "biovil-t": _biovil_t,
    "cxr-clip": _cxr_clip,
    "medclip": _medclip,
}
"""The loader of each family."""

FORMS: Mapping[str, str] = {
    "phantom": "general|label|report",
    "clip": "MODEL",
    "siglip": "MODEL",
    "open_clip": "MODEL",
    "towers": "IMAGE+TEXT",
    "biovil": "MODEL",
    "biovil-t": "MODEL",
    "cxr-clip": "FOLDER",
    "medclip": "FOLDER",
}
"""What stands after each family, for messages."""
