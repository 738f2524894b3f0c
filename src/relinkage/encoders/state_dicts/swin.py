"""Swin transformers whose weights stand in a larger model's state dict, run by transformers' SwinModel."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from relinkage.encoders.state_dicts.transformers_model import model_from_tensors, transformers
from relinkage.errors import InputError

_IMAGE_SIZE = 224
_PATCH = "embeddings.patch_embeddings.projection.weight"
_BIAS_TABLE = r"encoder\.layers\.(\d+)\.blocks\.(\d+)\.attention\..*relative_position_bias_table$"


def load_swin(tensors: Mapping[str, Tensor], source: Path) -> Any:
    """Build the SwinModel (Liu et al. 2021, arXiv 2103.14030) whose weights a checkpoint holds.

    Its shape is read off the weights: the depth of each stage from the names, the heads and the window from
    the tables of relative positions, ((2 · window − 1)², heads). Swin-tiny has depths (2, 2, 6, 2).

    Args:
        tensors: by the names of transformers' SwinModel.
        source: the file that they are from, for error messages.

    Returns:
        The model, in evaluation mode. It sees images of 224 × 224.

    Raises:
        InputError: they are not those of a Swin transformer, or some are missing.
    """
    tables = {
        (int(found[1]), int(found[2])): tensor.shape
        for name, tensor in tensors.items()
        if (found := re.match(_BIAS_TABLE, name))
    }
    patch = tensors.get(_PATCH)
    if patch is None or patch.ndim != 4 or not tables or any(len(shape) != 2 for shape in tables.values()):
        raise InputError(
            f"{source} holds no Swin transformer of transformers; name the published checkpoint."
        )
    depths = [0] * (max(stage for stage, _ in tables) + 1)
    heads = [1] * len(depths)
    for (stage, _), shape in tables.items():
        depths[stage], heads[stage] = depths[stage] + 1, shape[1]
    config = transformers(f"The Swin transformer in {source}").SwinConfig(
        image_size=_IMAGE_SIZE,
        patch_size=patch.shape[-1],
        embed_dim=len(patch),
        depths=depths,
        num_heads=heads,
        window_size=(math.isqrt(next(iter(tables.values()))[0]) + 1) // 2,
    )
    return model_from_tensors("SwinModel", config, tensors, source)
