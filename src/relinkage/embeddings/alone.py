"""Whether an encoder gives an image or a text the same features alone as beside others."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from relinkage.embeddings.decoding import decode_ahead
from relinkage.embeddings.left_out import HopelessError
from relinkage.encoders import Encoder

_IMAGES = 8
"""Image files that are opened to find some that can be read."""
_COMPARED = 3
_EXACT, _ROUGH = 1e-4, 2e-2
"""Largest distance, as a share of the features' length, that rounding explains: in float32, and where the
program asked torch for rougher products or a GPU takes them for convolutions."""


def check_alone(encoder: Encoder, images: Sequence[Path], root: Path, texts: Sequence[str]) -> None:
    """Check that features of an image or a text depend on nothing but itself.

    The shortest, the middle and the longest text, and the first images that can be read, are encoded
    together and one by one.

    Args:
        encoder: the encoder, fitted.
        images: image files, or references into containers, of the cohort.
        root: the cohort's folder.
        texts: the texts that are to be encoded.

    Raises:
        HopelessError: they differ by more than rounding explains.
    """
    rough = encoder.card.device != "cpu" or torch.get_float32_matmul_precision() != "highest"
    tolerance = _ROUGH if rough else _EXACT
    with closing(decode_ahead([images[:_IMAGES]], root, encoder.preprocess, 1)) as decoded:
        opened = [image.pixels for image in next(decoded, [])]
    pixels = [image for image in opened if not isinstance(image, str)][:_COMPARED]
    _check("image", pixels, lambda part: encoder.encode_images(torch.stack(part)), tolerance, encoder)
    ordered = sorted(dict.fromkeys(texts), key=len)
    chosen = list(dict.fromkeys(ordered[place] for place in (0, len(ordered) // 2, -1))) if ordered else []
    _check("text", chosen, lambda part: encoder.encode_texts(part).features, tolerance, encoder)


def _check(
    what: str,
    items: list[Any],
    encode: Callable[[list[Any]], NDArray[Any]],
    tolerance: float,
    encoder: Encoder,
) -> None:
    if len(items) < 2:
        return
    together = np.asarray(encode(items), np.float64).reshape(len(items), -1)
    alone = np.concatenate([np.asarray(encode([item]), np.float64).reshape(1, -1) for item in items])
    lengths = np.linalg.norm(alone, axis=1)
    # Not a number says nothing of company; the pass refuses it with a sentence of its own.
    apart = np.linalg.norm(together - alone, axis=1) / np.maximum(lengths, np.finfo(np.float64).tiny)
    if (worst := np.nanmax(apart, initial=0.0)) > tolerance:
        raise HopelessError(
            f"The encoder {encoder.card.id} gives {what}s other features beside others than alone (by "
            f"{worst:.2g} of their length), so that features would depend on the batch; embed with --batch 1."
        )
