"""What an open_clip model is cut into, whoever built it: two towers, two heads and a tokenizer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from relinkage.encoders.card import TextHandling
from relinkage.encoders.checkpoints.identity import identity_place
from relinkage.encoders.checkpoints.places import (
    OPEN_CLIP_IMAGE,
    OPEN_CLIP_TEXT,
    Names,
    Place,
    find_place,
    read_heads_at,
)
from relinkage.encoders.heads import HeadPair
from relinkage.errors import InputError

Tokens = tuple[Tensor, NDArray[np.bool_]]
"""Token numbers, int64, shape (texts, tokens), and whether each text was cut, shape (texts,)."""


@dataclass(frozen=True, eq=False)
class OpenClipTowers:
    """A model up to its heads.

    Attributes:
        image: pixels (n, 3, height, width) to image features (n, image features).
        text: token numbers to text features (n, text features).
        tokenize: texts to token numbers.
        heads: the model's own heads, on the CPU; the identity where a tower ends in the shared space.
        limit: tokens after which text is cut off.
        built_by: what built the towers, for the card.
        pooling: how a vector is taken from each tower, where that is not the library's affair.
        handling: what happens to texts.
    """

    image: nn.Module
    text: nn.Module
    tokenize: Callable[[Sequence[str]], Tokens]
    heads: HeadPair
    limit: int
    built_by: str
    pooling: str
    handling: TextHandling


def own_heads(
    tensors: Mapping[str, Tensor], embedding: int, source: Path
) -> tuple[HeadPair, tuple[Place, Place]]:
    """Read a model's own heads, and say where they are.

    Args:
        tensors: the checkpoint's tensors by name.
        embedding: width of the shared space.
        source: the model, for error messages.

    Raises:
        InputError: the two sides do not end in one shared space.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    found: dict[str, Tensor] = {}

    def place(side: str, known: Names) -> Place:
        try:
            return find_place(side, shapes, known, source)
        except InputError:
            place, identity = identity_place(side, embedding)
            found.update(identity)
            return place

    places = place("image", OPEN_CLIP_IMAGE), place("text", OPEN_CLIP_TEXT)
    if places[0].embedding != places[1].embedding:
        raise InputError(
            f"The towers of {source} end in {places[0].embedding} and {places[1].embedding} dimensions and "
            "share no space; check that its weights belong to its open_clip_config.json."
        )
    return read_heads_at(places, {**tensors, **found}), places
