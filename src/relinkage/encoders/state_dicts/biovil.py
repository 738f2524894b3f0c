"""BioViL and BioViL-T as hi-ml-multimodal publishes them: an image network up to its grid, and CXR-BERT.

BioViL (Boecking et al. 2022, arXiv 2204.09817) is a ResNet-50. BioViL-T (Bannur et al. 2023, arXiv
2301.04558) narrows its grid to 256 channels and puts 256 more beside them, which compare the image with an
earlier one of the same patient. Here an image stands alone: the second half is then one learned vector at
every position, and the transformer that would have made it is not run, as in the published
`MultiImageEncoder.forward`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from PIL.Image import Image
from torch import Tensor, nn

from relinkage.encoders.assembled import AssembledEncoder
from relinkage.encoders.card import EncoderCard
from relinkage.encoders.catalogue import CatalogueEntry
from relinkage.encoders.catalogue.state_dicts import BIOVIL, BIOVIL_T
from relinkage.encoders.checkpoints import biovil_files, biovil_heads
from relinkage.encoders.checkpoints.weights import read_weights
from relinkage.encoders.hub import Wanted
from relinkage.encoders.huggingface import locate
from relinkage.encoders.pooling import first_token
from relinkage.encoders.settings import EncoderOptions
from relinkage.encoders.state_dicts.bert import TOKENIZER_FILES, BertTower
from relinkage.encoders.state_dicts.parts import files_digest, part_of
from relinkage.encoders.state_dicts.pixels import centre_crop, resize_shorter, stretch_to_gray, unit_pixels
from relinkage.encoders.state_dicts.resnet import ResNet, load_resnet
from relinkage.errors import InputError

_RESIZE = 512
_STRIDE = 32
_BACKBONE = "encoder.encoder."
_NARROW = "encoder.backbone_to_vit.weight"
_MISSING = "encoder.missing_previous_emb"
_WORDS = "embeddings.word_embeddings.weight"
_SEEN = "MIMIC-CXR images and reports; text also PubMed abstracts and MIMIC-III notes"
_WANTED = Wanted(
    "config.json",
    ("*.json", "vocab.txt", "README.md", "biovil*image*.pt"),
    ("model.safetensors", "pytorch_model.bin"),
)


@dataclass(frozen=True)
class _Release:
    """What differs between the two models."""

    entry: CatalogueEntry
    crop: int
    md5: str
    several_images: bool


_BIOVIL = _Release(BIOVIL, 480, "02ce6ee460f72efd599295f440dbb453", several_images=False)
_BIOVIL_T = _Release(BIOVIL_T, 448, "a83080e2f23aa584a4f2b24c39b1bb64", several_images=True)
"""MD5 of the image weights as hi-ml-multimodal pins them (`image/model/pretrained.py`)."""


class GridNetwork(nn.Module):
    """The image network up to the grid that its head takes."""

    narrow: Tensor | None
    missing: Tensor | None

    def __init__(self, backbone: ResNet, narrow: Tensor | None, missing: Tensor | None) -> None:
        """Put the network together.

        Args:
            backbone: the ResNet.
            narrow: of BioViL-T, the 1×1 convolution after it, shape (channels, backbone channels, 1, 1).
            missing: of BioViL-T, what stands for an earlier image, shape (1, channels, 1, 1).
        """
        super().__init__()
        self.backbone = backbone
        self.register_buffer("narrow", narrow)
        self.register_buffer("missing", missing)

    def forward(self, pixels: Tensor) -> Tensor:
        """Encode images (n, 3, height, width): shape (n, positions, channels)."""
        grid = self.backbone(pixels)
        if self.narrow is not None and self.missing is not None:
            grid = nn.functional.conv2d(grid, self.narrow)
            grid = torch.cat([grid, self.missing.expand(len(grid), -1, *grid.shape[2:])], 1)
        return grid.flatten(2).transpose(1, 2)


def load_biovil(name: str, options: EncoderOptions) -> AssembledEncoder:
    """Load BioViL from a folder or hub id.

    Args:
        name: holds `biovil_image_resnet50_proj_size_128.pt` and CXR-BERT: `config.json`, `vocab.txt` (or
            `tokenizer.json`), and `model.safetensors` or `pytorch_model.bin`.
        options: the device, and whether the hub may be asked.

    Raises:
        InputError: a file is missing, cannot be read, or holds another model.
    """
    return _load(name, options, _BIOVIL)


def load_biovil_t(name: str, options: EncoderOptions) -> AssembledEncoder:
    """Load BioViL-T from a folder or hub id, for images on their own.

    Args:
        name: as for `load_biovil`, with `biovil_t_image_model_proj_size_128.pt`.
        options: the device, and whether the hub may be asked.

    Raises:
        InputError: a file is missing, cannot be read, or holds another model.
    """
    return _load(name, options, _BIOVIL_T)


def biovil_pixels(image: Image, crop: int) -> Tensor:
    """Make pixels as hi-ml-multimodal does: float32, shape (3, crop, crop) in [0, 1], no mean or deviation.

    Stretched from 0 to 255, made gray, shorter side to 512 pixels, cut in the middle, copied to three
    channels (`health_multimodal/image/data/io.py`, `transforms.py`).
    """
    return unit_pixels(centre_crop(resize_shorter(stretch_to_gray(image), _RESIZE), crop))


def _load(name: str, options: EncoderOptions, release: _Release) -> AssembledEncoder:
    device = options.torch_device()
    folder = locate(name, wanted=_WANTED, download=options.download)
    family, path = release.entry.family, folder.path
    image_file, text_file = biovil_files(path)
    heads = biovil_heads(path)
    network = _network(read_weights(image_file), image_file, release)
    words = read_weights(text_file)
    bert = part_of(words, _one_prefix(words, _WORDS, text_file))
    texts = BertTower(path, bert, text_file, first_token, device)
    channels = len(network.narrow) * 2 if network.narrow is not None else network.backbone.channels
    if heads.image_spec.features != channels or heads.text_spec.features != texts.width:
        raise InputError(
            f"{path} holds heads for {heads.image_spec.features} and {heads.text_spec.features} features and "
            f"towers that give {channels} and {texts.width}; name the published files."
        )
    local = Path(name).is_dir()
    parts = [image_file, text_file, path / "config.json", *(path / file for file in TOKENIZER_FILES)]
    revision = files_digest(parts) if local else folder.revision
    if _md5(image_file) == release.md5:
        revision = f"{revision} (image weights as published, {release.entry.revision})"
    card = EncoderCard(
        id=f"{family}:{folder.name}",
        revision=revision,
        licence=release.entry.licence if folder.licence == "not stated" else folder.licence,
        preprocessing=f"stretched to 0-255, gray, shortest edge {_RESIZE} (bilinear), "
        f"centre crop {release.crop}, divided by 255",
        image_features=channels,
        text_features=texts.width,
        embedding=heads.image_spec.embedding,
        token_limit=texts.limit,
        seen=_SEEN,
        pooling="image: the whole grid, averaged by the head; text: [CLS] token",
        device=device.type,
        image_positions=(release.crop // _STRIDE) ** 2,
        text=texts.handling,
    )
    network = network.to(device)
    return AssembledEncoder(
        card,
        heads,
        partial(biovil_pixels, crop=release.crop),
        lambda pixels: network(pixels.to(device)),
        texts.encode,
    )


def _network(tensors: Mapping[str, Tensor], file: Path, release: _Release) -> GridNetwork:
    prefix = _one_prefix(tensors, f"{_BACKBONE}conv1.weight", file)
    several = prefix + _NARROW in tensors
    if several != release.several_images:
        held, other = (BIOVIL_T, "BioViL-T") if several else (BIOVIL, "BioViL")
        raise InputError(
            f"{file} holds the image model of {other}; ask for it as {held.family}:{file.parent}."
        )
    backbone = load_resnet(part_of(tensors, prefix + _BACKBONE), file)
    if not several:
        return GridNetwork(backbone, None, None).eval()
    narrow, missing = tensors[prefix + _NARROW], tensors.get(prefix + _MISSING)
    if missing is None:
        raise InputError(f"{file} lacks {prefix}{_MISSING}; copy the published weights whole.")
    if narrow.shape[1:] != (backbone.channels, 1, 1) or missing.shape != (1, len(narrow), 1, 1):
        raise InputError(
            f"{file} holds an image model of other shapes than BioViL-T's; name the published file."
        )
    return GridNetwork(backbone, narrow.float(), missing.float()).eval()


def _one_prefix(tensors: Mapping[str, Tensor], name: str, file: Path) -> str:
    """Give what stands before a name, whatever it is, where that name occurs once."""
    found = [held.removesuffix(name) for held in tensors if held == name or held.endswith(f".{name}")]
    if len(found) != 1:
        raise InputError(
            f"{file} holds {len(found)} weights named {name}, not one; name BioViL's published weights."
        )
    return found[0]


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
