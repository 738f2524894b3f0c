"""Hugging Face models: found on this machine first, loaded whole, and never by running their code."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from relinkage.encoders.catalogue import find_entry
from relinkage.encoders.checkpoints.weights import is_wrapped, read_weights
from relinkage.encoders.hub import TRANSFORMERS, Wanted, file_sha256, from_hub
from relinkage.errors import InputError
from relinkage.files import read_json

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+(@[\w.-]+)?")
_LOADED = (".json", ".txt", ".model", ".safetensors", ".bin")
_ONE_FILE = ("model.safetensors", "pytorch_model.bin")
_VOCABULARIES = ("tokenizer.json", "vocab.json", "vocab.txt", "*.model")


@dataclass(frozen=True)
class ModelFolder:
    """A model as it lies on this machine.

    Attributes:
        path: its folder.
        name: its hub id, or the folder's own name.
        revision: the hub's commit, or a digest of the folder's files.
        licence: what its README declares.
        config: its `config.json`.
    """

    path: Path
    name: str
    revision: str
    licence: str
    config: dict[str, Any]

    @property
    def model_type(self) -> str:
        """The architecture that `config.json` names, empty where it names none."""
        return str(self.config.get("model_type", ""))


def is_hub_id(name: str) -> bool:
    """Whether `name` reads as `owner/model` or `owner/model@revision`."""
    return _HUB_ID.fullmatch(name) is not None


def locate(name: str, *, wanted: Wanted = TRANSFORMERS, download: bool = False) -> ModelFolder:
    """Find a model: a local folder, else the local Hugging Face cache, else the hub where that is asked for.

    Args:
        name: a folder, or a hub id `owner/model`, optionally `owner/model@revision`. Of a model in the
            catalogue, the pinned revision is taken where none is named.
        wanted: what must be there.
        download: whether the hub may be asked; never where the environment sets `HF_HUB_OFFLINE`.

    Raises:
        InputError: the extra `models` is not installed, or there is no such model with its configuration.
    """
    _transformers(f"The model {name}")
    licence = ""
    if name and Path(name).is_dir():
        path = Path(name)
        label, revision = path.resolve().name, folder_digest(path)
    elif is_hub_id(name):
        label, _, asked = name.partition("@")
        path = from_hub(label, asked or None, wanted, download=download)
        revision = path.name
        licence = entry.licence if (entry := find_entry(label)) else ""
    else:
        raise InputError(f"{name} is neither a folder nor a hub id such as owner/model; name one of the two.")
    config = read_json(path / wanted.config, f"a model's {wanted.config}")
    return ModelFolder(path, label, revision, _licence(path) or licence or "not stated", config)


def load_model(folder: ModelFolder, kind: str, *, may_lack: str = "(?!)") -> tuple[Any, bool]:
    """Load a model in float32 for evaluation, from safetensors or with `weights_only`, without its code.

    Weights that a training library wrapped (`state_dict`, `module.` before all names) are unwrapped first.

    Args:
        folder: where it lies.
        kind: the transformers class to load it with.
        may_lack: regular expression of the weights that the files may lack.

    Returns:
        The model, and whether the files held all of its weights.

    Raises:
        InputError: it cannot be loaded, or would run with random numbers in place of weights it lacks.
    """
    library = _transformers()
    kept = {"local_files_only": True, "trust_remote_code": False}
    options = {"dtype": torch.float32, "weights_only": True, "output_loading_info": True, **kept}
    with _quiet(), _readable(folder, "model"):
        if wrapped := [file for name in _ONE_FILE if is_wrapped(file := folder.path / name)]:
            config = library.AutoConfig.from_pretrained(folder.path, **kept)
            # AutoModel takes no weights from memory; the class that it would choose does.
            loader = library.MODEL_MAPPING[type(config)] if kind == "AutoModel" else getattr(library, kind)
            tensors = read_weights(wrapped[0])
            model, loading = loader.from_pretrained(None, config=config, state_dict=tensors, **options)
        else:
            model, loading = getattr(library, kind).from_pretrained(folder.path, **options)
    missing = sorted(loading["missing_keys"])
    lacking = [name for name in missing if not re.match(may_lack, name)]
    if lacking:
        raise InputError(
            f"{folder.path} lacks {len(lacking)} of the model's weights ({lacking[0]}, …); "
            "copy its weight files whole."
        )
    return model.eval().requires_grad_(False), not missing


def load_tokenizer(folder: ModelFolder) -> Any:
    """Load a model's tokenizer.

    Raises:
        InputError: there is no vocabulary, without which some tokenizers start empty, or it cannot be read.
    """
    if not has_vocabulary(folder.path):
        raise InputError(
            f"{folder.path} holds no tokenizer ({', '.join(_VOCABULARIES)}); "
            "copy the model's tokenizer files there."
        )
    with _quiet(), _readable(folder, "tokenizer"):
        return _transformers().AutoTokenizer.from_pretrained(
            folder.path, local_files_only=True, trust_remote_code=False
        )


def has_vocabulary(folder: Path) -> bool:
    """Whether a folder holds a tokenizer's vocabulary."""
    return any(any(folder.glob(pattern)) for pattern in _VOCABULARIES)


def build_text_model(folder: ModelFolder, *, pooler: bool) -> Any:
    """Build a text model of `folder.config` with random weights, for others to be put in.

    Args:
        folder: where its `config.json` is.
        pooler: whether BERT's own pooling layer is part of it.

    Raises:
        InputError: the configuration cannot be used.
    """
    transformers = _transformers()
    with _quiet(), _readable(folder, "configuration"):
        config = transformers.AutoConfig.from_pretrained(
            folder.path, local_files_only=True, trust_remote_code=False
        )
        config.dtype = torch.float32
        return transformers.AutoModel.from_config(config, trust_remote_code=False, add_pooling_layer=pooler)


def load_image_processor(folder: ModelFolder) -> Any:
    """Load a model's image preprocessing, as Pillow runs it.

    Raises:
        InputError: the folder has none, it cannot be read, or it makes images of differing shapes.
    """
    if not any((folder.path / f"{part}_config.json").is_file() for part in ("preprocessor", "processor")):
        raise InputError(
            f"{folder.path} lacks preprocessor_config.json, which says how pixels are made; copy it there."
        )
    with _quiet(), _readable(folder, "image processor"):
        processor = _transformers().AutoImageProcessor.from_pretrained(
            folder.path, backend="pil", local_files_only=True, trust_remote_code=False
        )
        shapes = {make_pixels(processor, Image.new("RGB", size)).shape for size in ((64, 48), (48, 64))}
    if len(shapes) > 1:
        raise InputError(
            f"{folder.path} makes images of differing shapes, which cannot be encoded together; give its "
            "preprocessor_config.json a crop or a fixed height and width."
        )
    return processor


def make_pixels(processor: Any, image: Image.Image) -> torch.Tensor:
    """Make pixels of one image as an image processor does: float32, shape (3, height, width)."""
    return processor(images=image.convert("RGB"), return_tensors="pt")["pixel_values"][0]


def describe_processor(processor: Any) -> str:
    """Say in one line how an image processor makes pixels."""
    steps = ["RGB"]
    if processor.do_resize:
        steps.append(f"resized to {_size(processor.size)} (resampling {int(processor.resample)})")
    if getattr(processor, "do_center_crop", False):
        steps.append(f"centre crop {_size(processor.crop_size)}")
    if processor.do_rescale:
        steps.append(f"times {processor.rescale_factor:.6g}")
    if processor.do_normalize:
        steps.append(f"mean {_triple(processor.image_mean)}, deviation {_triple(processor.image_std)}")
    return ", ".join(steps)


def _transformers(what: str = "This model") -> Any:
    try:
        import transformers
    except ImportError:
        raise InputError(f"{what} needs transformers; run pip install 'relinkage[models]'.") from None
    return transformers


def folder_digest(folder: Path) -> str:
    """Give a digest of what a model's folder loads: configuration, vocabulary and weights.

    A folder `text` in it counts too, a text tower's configuration and vocabulary, and so does how texts are
    pooled (`1_Pooling`).
    """
    digest = hashlib.sha256()
    for path in sorted([*folder.iterdir(), *folder.glob("text/*"), *folder.glob("*_Pooling/*")]):
        if path.suffix in _LOADED and path.is_file():
            name = path.relative_to(folder).as_posix()
            digest.update(f"{name}\n".encode() + bytes.fromhex(file_sha256(path)))
    return f"sha256:{digest.hexdigest()}"


def _licence(folder: Path) -> str:
    """Give the licence that the folder's README declares, empty where it declares none."""
    try:
        text = (folder / "README.md").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    head = re.match(r"---\n(?:.*\n)*?---", text)
    found = dict(re.findall(r"^(licen[sc]e(?:_name)?): *(\S.*)$", head.group(), re.MULTILINE)) if head else {}
    stated = found.get("license") or found.get("licence") or ""
    return str(found.get("license_name", stated) if stated.strip() == "other" else stated).strip()


def _size(size: Any) -> str:
    if size.get("shortest_edge"):
        return f"shortest edge {size['shortest_edge']}"
    return f"{size['height']}×{size['width']}"


def _triple(values: Any) -> str:
    return "/".join(f"{value:.4g}" for value in values)


@contextmanager
def _readable(folder: ModelFolder, part: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise InputError(
            f"The {part} in {folder.path} needs the package {error.name or 'it names'}; install it."
        ) from None
    except Exception as error:  # transformers and what it calls raise every kind on files they cannot use
        raise InputError(
            f"The {part} in {folder.path} cannot be loaded ({type(error).__name__}); "
            "check that the folder is a whole transformers model."
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep load reports and bars of transformers off stderr; what they warn of is checked here."""
    logging = _transformers().utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
