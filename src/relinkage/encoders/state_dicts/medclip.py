"""MedCLIP (Wang et al. 2022, arXiv 2210.10163) from its published state dicts."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from msgspec.structs import replace
from PIL.Image import Image, Resampling
from torch import Tensor

from relinkage.encoders.assembled import AssembledEncoder
from relinkage.encoders.card import EncoderCard
from relinkage.encoders.catalogue.state_dicts import MEDCLIP
from relinkage.encoders.checkpoints.weights import read_weights
from relinkage.encoders.pooling import mean_token
from relinkage.encoders.settings import EncoderOptions
from relinkage.encoders.state_dicts.bert import TOKENIZER_FILES, BertTower
from relinkage.encoders.state_dicts.parts import (
    files_digest,
    linear_heads,
    model_folder,
    part_of,
)
from relinkage.encoders.state_dicts.pixels import normalise, pad_to_square, unit_pixels
from relinkage.encoders.state_dicts.resnet import load_resnet
from relinkage.encoders.state_dicts.swin import load_swin
from relinkage.errors import InputError

_WEIGHTS = "pytorch_model.bin"
_SIDE = 224
_TOKENS = 77
_MEAN, _DEVIATION = 0.5862785803043838, 0.27950088968644304
_VISION, _TEXT = "vision_model.model.", "text_model.model."
_RESNET_HEAD, _SWIN_HEAD, _TEXT_HEAD = (
    "vision_model.model.fc",
    "vision_model.projection_head",
    "text_model.projection_head",
)
_NO_PADDING = (
    "Padding is left out of the mean over tokens, which MedCLIP's own code takes over padding too: the "
    "features of a text are those that it has alone."
)
_SEEN = "MIMIC-CXR and CheXpert images, MIMIC-CXR reports"


def load_medclip(name: str, options: EncoderOptions) -> AssembledEncoder:
    """Load MedCLIP with a ResNet-50 or with a Swin transformer, which it calls ViT.

    Args:
        name: a folder with `pytorch_model.bin` and Bio_ClinicalBERT's `config.json` and `vocab.txt`, whose
            weights are in that file.
        options: the device.

    Raises:
        InputError: a file is missing, cannot be read, or holds another kind of model.
    """
    device, folder = options.torch_device(), model_folder(name, MEDCLIP)
    file = folder / _WEIGHTS
    tensors = read_weights(file)
    images, width, head, pooling = _image_tower(tensors, file, device)
    texts = BertTower(folder, part_of(tensors, _TEXT), file, mean_token, device, _TOKENS, (1, 2, -1))
    if texts.layers < 2:
        raise InputError(
            f"{file} holds a BERT of one layer and MedCLIP's has two or more; name its published weights."
        )
    heads = linear_heads(tensors, head, _TEXT_HEAD, (width, texts.width), file)
    card = EncoderCard(
        id=f"medclip:{folder.resolve().name}",
        revision=files_digest([file, folder / "config.json", *(folder / part for part in TOKENIZER_FILES)]),
        licence=MEDCLIP.licence,
        preprocessing=f"gray, padded to a black square, {_SIDE}×{_SIDE} (bicubic), divided by 255, "
        f"mean {_MEAN:.4g}, deviation {_DEVIATION:.4g}",
        image_features=width,
        text_features=texts.width,
        embedding=heads.image_spec.embedding,
        token_limit=texts.limit,
        seen=_SEEN,
        pooling=f"image: {pooling}; text: mean of token vectors of layers 1, 2 and the last",
        device=device.type,
        text=replace(texts.handling, differs=(*texts.handling.differs, _NO_PADDING)),
    )
    return AssembledEncoder(card, heads, medclip_pixels, images, texts.encode)


def medclip_pixels(image: Image) -> Tensor:
    """Make pixels as MedCLIP's feature extractor does: float32, shape (3, 224, 224).

    Padded to a black square, resized to 224 × 224 (bicubic), normalised (`medclip/dataset.py`).
    """
    square = pad_to_square(image, _SIDE).resize((_SIDE, _SIDE), Resampling.BICUBIC)
    return normalise(unit_pixels(square), [_MEAN] * 3, [_DEVIATION] * 3)


def _image_tower(
    tensors: Mapping[str, Tensor], source: Path, device: torch.device
) -> tuple[Callable[[Tensor], Tensor], int, str, str]:
    """Give the image tower, the width of its features, the name of its head, and how features are pooled."""
    if f"{_VISION}conv1.weight" in tensors:
        network = load_resnet(part_of(tensors, _VISION), source).to(device)
        return (
            lambda pixels: network(pixels.to(device)).mean((2, 3)),
            network.channels,
            _RESNET_HEAD,
            "spatial mean",
        )
    if f"{_VISION}embeddings.patch_embeddings.projection.weight" in tensors:
        swin = load_swin(part_of(tensors, _VISION), source).to(device)
        return (
            lambda pixels: swin(pixel_values=pixels.to(device)).pooler_output,
            int(swin.num_features),
            _SWIN_HEAD,
            "mean of patch tokens",
        )
    raise InputError(
        f"{source} holds neither a ResNet-50 nor a Swin transformer under MedCLIP's names (vision_model.…); "
        "name its published weights."
    )
