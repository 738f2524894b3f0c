"""The heads of BioViL and BioViL-T as hi-ml-multimodal publishes them."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from relinkage.encoders.checkpoints.weights import read_weights
from relinkage.encoders.heads import HeadPair, HeadSpec
from relinkage.errors import InputError

_IMAGE_FILES = "biovil*image*.pt"
_TEXT_FILES = ("model.safetensors", "pytorch_model.bin")
_BATCH_NORM_EPSILON = 1e-5
"""torch's own, which hi-ml-multimodal leaves as it is (`health_multimodal/image/model/modules.py`)."""

_IMAGE = (
    "0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var", "3.weight", "3.bias",
)  # fmt: skip
_TEXT = (
    "dense_to_hidden.weight", "dense_to_hidden.bias", "LayerNorm.weight", "LayerNorm.bias",
    "dense_to_output.weight", "dense_to_output.bias",
)  # fmt: skip


def is_biovil(folder: Path) -> bool:
    """Whether a folder holds BioViL's image weights under their published name."""
    return folder.is_dir() and any(folder.glob(_IMAGE_FILES))


@torch.no_grad()
def biovil_heads(folder: Path) -> HeadPair:
    """Read both projection heads from a folder with BioViL's, or BioViL-T's, published files.

    The image head is `projector.model`: a 1×1 convolution without bias, BatchNorm, ReLU, a 1×1 convolution
    (`health_multimodal/image/model/modules.py`). The text head is `cls_projection_head`: Linear, GELU,
    LayerNorm, Linear (`text/model/modelling_cxrbert.py`). Names may carry a prefix. BatchNorm becomes its
    frozen scale and shift; what LayerNorm scales and shifts by goes into the layer after it:
    W(γ ⊙ n + β) + b = (Wγ)n + (Wβ + b).

    Args:
        folder: holds `biovil_t_image_model_proj_size_128.pt` (or BioViL's) and, beside it, the text model's
            `model.safetensors` or `pytorch_model.bin`.

    Returns:
        A `grid` image head and a `bert-mlp` text head, in evaluation mode.

    Raises:
        InputError: a file is missing, cannot be read, or holds other heads.
    """
    image_file, text_file = biovil_files(folder)
    image = _named(read_weights(image_file), "projector.model.", _IMAGE, image_file)
    text = _named(read_weights(text_file), "cls_projection_head.", _TEXT, text_file)
    try:
        return _pair(image, text)
    except InputError:
        raise
    except (RuntimeError, IndexError, ValueError):
        raise InputError(
            f"{folder} holds heads of other shapes than BioViL's; name the published files."
        ) from None


def biovil_files(folder: Path) -> tuple[Path, Path]:
    """Find the image model's and the text model's weights.

    Raises:
        InputError: there is not exactly one image file, or no text file.
    """
    images = sorted(folder.glob(_IMAGE_FILES))
    if len(images) != 1:
        raise InputError(
            f"{folder} holds {len(images)} files {_IMAGE_FILES}; leave the image model's one file there."
        )
    texts = [folder / name for name in _TEXT_FILES if (folder / name).is_file()]
    if not texts:
        raise InputError(
            f"{folder} lacks the text model's weights ({' or '.join(_TEXT_FILES)}); copy them there."
        )
    return images[0], texts[0]


def _pair(image: Mapping[str, Tensor], text: Mapping[str, Tensor]) -> HeadPair:
    convolutions = _matrix(image["0.weight"]), _matrix(image["3.weight"])
    hidden, features = convolutions[0].shape
    heads = HeadPair(
        HeadSpec("grid", features, len(convolutions[1]), bias=True, hidden=hidden, norm="frozen"),
        HeadSpec(
            "bert-mlp",
            features=text["dense_to_hidden.weight"].shape[1],
            embedding=len(text["dense_to_output.weight"]),
            bias=True,
            hidden=len(text["dense_to_hidden.weight"]),
        ),
    )
    scale = image["1.weight"].double() / (image["1.running_var"].double() + _BATCH_NORM_EPSILON).sqrt()
    heads.image.load_state_dict(
        {
            "1.weight": convolutions[0],
            "2.scale": scale,
            "2.shift": image["1.bias"].double() - image["1.running_mean"].double() * scale,
            "5.weight": convolutions[1],
            "5.bias": image["3.bias"],
        }
    )
    last = text["dense_to_output.weight"].double()
    heads.text.load_state_dict(
        {
            "0.weight": text["dense_to_hidden.weight"],
            "0.bias": text["dense_to_hidden.bias"],
            "3.weight": last * text["LayerNorm.weight"].double(),
            "3.bias": text["dense_to_output.bias"].double() + last @ text["LayerNorm.bias"].double(),
        }
    )
    return heads.eval().requires_grad_(False)


def _matrix(convolution: Tensor) -> Tensor:
    """A 1×1 convolution (out, in, 1, 1) as the matrix that it is at each position."""
    return convolution.squeeze((2, 3)) if convolution.ndim == 4 else convolution


def _named(tensors: Mapping[str, Tensor], part: str, names: tuple[str, ...], path: Path) -> dict[str, Tensor]:
    """Pick the tensors of a head, whatever prefix stands before the head's own name."""
    prefixes = {
        name[: -len(part + names[0])]
        for name in tensors
        if name == part + names[0] or name.endswith("." + part + names[0])
    }
    if len(prefixes) != 1:
        raise InputError(
            f"{path} holds {len(prefixes)} heads named {part}{names[0]}, not one; name BioViL's published "
            "weights."
        )
    prefix = prefixes.pop() + part
    lacking = [name for name in names if prefix + name not in tensors]
    if lacking:
        raise InputError(f"{path} lacks {prefix}{lacking[0]}; copy the published weights whole.")
    return {name: tensors[prefix + name].float() for name in names}
