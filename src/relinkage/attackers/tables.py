"""Scores that are no inner product: the table of all of them, as vectors with the same order of pairs.

Image i gets its row of the table and a pad, report j a 1 at its place. Their inner product is the score
itself, no addition rounds it, and the pads make all images equally long, so every count is that of the
float64 scores; two that differ by less than 2⁻⁴⁰ of that length tie, as two cosines do.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relinkage.attackers.protocol import Floats, Vectors
from relinkage.errors import InputError
from relinkage.progress import progress

LARGEST = 100_000_000
"""Scores of a table, at most: 800 MB."""

_BLOCK = 1024

Score = Callable[[Vectors, Vectors], Any]
"""Takes some images and some reports and gives float64, shape (images, reports)."""


def table_vectors(score: Score, images: Vectors, texts: Vectors, name: str) -> tuple[Floats, NDArray[Any]]:
    """Give vectors whose cosine is a score of somebody's own, up to a constant and a positive factor.

    Args:
        score: called with blocks of both sides.
        images: shape (n, image width).
        texts: shape (m, text width).
        name: how messages name the attacker.

    Returns:
        float64, shape (n, m + 1), and float32, shape (m, m + 1).

    Raises:
        InputError: there are too many pairs, or a block is not finite or of another shape than asked for.
    """
    n, m = len(images), len(texts)
    if n * m > LARGEST:
        raise InputError(
            f"The attacker {name} scores {n:,} × {m:,} pairs one by one, and at most {LARGEST:,} are held; "
            "attack a part of them, or give it a method transform."
        )
    left = np.empty((n, m + 1))
    with progress(n * m, f"scoring by {name}", "pairs", scale=True) as bar:
        for start in range(0, n, _BLOCK):
            for first in range(0, m, _BLOCK):
                asking, asked = images[start : start + _BLOCK], texts[first : first + _BLOCK]
                block = np.asarray(score(asking, asked))
                if block.shape != (len(asking), len(asked)):
                    raise InputError(
                        f"The attacker {name} made scores of shape {block.shape} for {len(asking)} images "
                        f"and {len(asked)} reports; return a row per image and a column per report."
                    )
                if not np.isfinite(block.astype(np.float64)).all():
                    raise InputError(f"The attacker {name} made scores that are NaN or infinite.")
                left[start : start + _BLOCK, first : first + len(asked)] = block
                bar.update(block.size)
    left[:, :m] -= left[:, :m].mean()
    squares = np.einsum("ij,ij->i", left[:, :m], left[:, :m])
    left[:, m] = np.sqrt(squares.max() - squares)
    if not squares.max():
        left[:, m] = 1  # all pairs tie
    return left, np.eye(m, m + 1, dtype=np.float32)
