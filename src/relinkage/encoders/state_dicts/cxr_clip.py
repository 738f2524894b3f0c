"""CXR-CLIP (You et al. 2023, arXiv 2310.13292) from its own training checkpoints."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from PIL.Image import Image
from torch import Tensor

from relinkage.encoders.assembled import AssembledEncoder
from relinkage.encoders.card import EncoderCard
from relinkage.encoders.catalogue.state_dicts import CXR_CLIP
from relinkage.encoders.pooling import first_token, last_token, mean_token
from relinkage.encoders.settings import EncoderOptions
from relinkage.encoders.state_dicts.bert import TOKENIZER_FILES, BertTower
from relinkage.encoders.state_dicts.checkpoint import read_training_checkpoint
from relinkage.encoders.state_dicts.parts import (
    files_digest,
    linear_heads,
    model_folder,
    part_of,
)
from relinkage.encoders.state_dicts.pixels import centre_crop, normalise, resize_shorter, unit_pixels
from relinkage.encoders.state_dicts.resnet import load_resnet
from relinkage.encoders.state_dicts.swin import load_swin
from relinkage.errors import InputError

_CHECKPOINTS = ("*.tar", "*.pt", "*.pth")
_SIDE = 224
_TOKENS = 256
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_RESNET, _SWIN, _BERT = "image_encoder.resnet.", "image_encoder.image_encoder.", "text_encoder.text_encoder."
_POOLS = {"eos": last_token, "bos": first_token, "mean": mean_token}
_SEEN = "MIMIC-CXR (r50_m, swint_m); also CheXpert (…_mc) and ChestX-ray14 (…_mcc)"

Statistics = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Mean and deviation of each channel."""


def load_cxr_clip(name: str, options: EncoderOptions) -> AssembledEncoder:
    """Load a CXR-CLIP with a ResNet-50 or a Swin transformer and linear heads.

    What the checkpoint's settings say of text pooling and token limit is obeyed; a checkpoint without
    settings is taken for a published one, with `[SEP]` and 256.

    Args:
        name: a folder with one checkpoint (`*.tar`, `*.pt` or `*.pth`) and Bio_ClinicalBERT's `config.json`
            and `vocab.txt`, whose weights are in the checkpoint.
        options: the device.

    Raises:
        InputError: a file is missing, cannot be read, or holds another kind of model.
    """
    device, folder = options.torch_device(), model_folder(name, CXR_CLIP)
    files = sorted(file for pattern in _CHECKPOINTS for file in folder.glob(pattern))
    if len(files) != 1:
        raise InputError(
            f"{folder} holds {len(files)} checkpoints ({', '.join(_CHECKPOINTS)}); leave the one to use."
        )
    checkpoint = read_training_checkpoint(files[0])
    tensors, pool = checkpoint.tensors, checkpoint.setting("model", "text_encoder", "pooling", default="eos")
    limit = checkpoint.setting("base", "text_max_length", default=_TOKENS)
    if pool not in _POOLS or limit < 3:
        raise InputError(
            f"{files[0]} takes text in a way that relinkage does not know; name a published checkpoint."
        )
    images, width, statistics = _image_tower(tensors, files[0], device)
    texts = BertTower(folder, part_of(tensors, _BERT), files[0], _POOLS[pool], device, limit)
    if "image_projection.fc.weight" in tensors or "text_projection.fc.weight" in tensors:
        raise InputError(
            f"{files[0]} has MLP heads with a residual, which relinkage does not build; name a checkpoint "
            "with linear heads, as the published ones have."
        )
    heads = linear_heads(
        tensors, "image_projection.projection", "text_projection.projection", (width, texts.width), files[0]
    )
    mean, deviation = ("/".join(f"{value:.4g}" for value in values) for values in statistics)
    card = EncoderCard(
        id=f"cxr-clip:{folder.resolve().name}",
        revision=files_digest([*files, folder / "config.json", *(folder / file for file in TOKENIZER_FILES)]),
        licence=CXR_CLIP.licence,
        preprocessing=f"RGB, shortest edge {_SIDE} (bilinear), centre crop {_SIDE}, divided by 255, "
        f"mean {mean}, deviation {deviation}",
        image_features=width,
        text_features=texts.width,
        embedding=heads.image_spec.embedding,
        token_limit=texts.limit,
        seen=_SEEN,
        pooling=f"image: {_pooling(statistics)}; text: {_TEXT_POOLING[pool]}",
        device=device.type,
        text=texts.handling,
    )
    return AssembledEncoder(
        card, heads, partial(cxr_clip_pixels, statistics=statistics), images, texts.encode
    )


def cxr_clip_pixels(image: Image, statistics: Statistics) -> Tensor:
    """Make pixels as CXR-CLIP's evaluation does: float32, shape (3, 224, 224).

    RGB, shorter side to 224 pixels, cut in the middle, normalised (`cxrclip/data/data_utils.py`,
    `configs/transform/default.yaml`).
    """
    pixels = unit_pixels(centre_crop(resize_shorter(image.convert("RGB"), _SIDE), _SIDE))
    return normalise(pixels, *statistics)


_TEXT_POOLING = {"eos": "[SEP] token", "bos": "[CLS] token", "mean": "mean of token vectors"}


def _pooling(statistics: Statistics) -> str:
    return "spatial mean" if statistics is _IMAGENET else "first token"


def _image_tower(
    tensors: Mapping[str, Tensor], source: Path, device: torch.device
) -> tuple[Callable[[Tensor], Tensor], int, Statistics]:
    """Give the image tower, the width of its features, and the statistics that it was trained with.

    Of the Swin transformer the first token is taken, as in `CXRClip.encode_image`, though it has no class
    token: it is the patch at the top left.
    """
    if f"{_RESNET}conv1.weight" in tensors:
        network = load_resnet(part_of(tensors, _RESNET), source).to(device)
        return lambda pixels: network(pixels.to(device)).mean((2, 3)), network.channels, _IMAGENET
    if f"{_SWIN}embeddings.patch_embeddings.projection.weight" in tensors:
        swin = load_swin(part_of(tensors, _SWIN), source).to(device)
        return (
            lambda pixels: swin(pixel_values=pixels.to(device)).last_hidden_state[:, 0],
            int(swin.num_features),
            _HALF,
        )
    raise InputError(
        f"{source} holds neither a ResNet-50 nor a Swin transformer by CXR-CLIP's names (image_encoder.…); "
        "name one of its published checkpoints."
    )
