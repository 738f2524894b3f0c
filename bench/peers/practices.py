"""How others compute recall, re-expressed: what their published code does, in a few lines of our own.

For what does not install beside this package, or is not on an index of packages; the ways of working are
theirs, the lines are not. All take float32 arrays of unit vectors, shape (q, d), report i belonging to image
i, and count in both directions where the original does; what is handed back is image to report.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from bench.peers.answer import KS, Answer

Array = NDArray[np.float32]

TILE = 4096
"""Rows and columns of a tile in open_clip's training metrics since June 2026."""
SCALE = 100.0
"""What CLIP's logits are multiplied by."""
BATCH = 64
"""Queries at a time in CLIP_benchmark; its default batch."""


def tiled_ranks(images: Array, reports: Array) -> Answer:
    """open_clip since June 2026 (its metrics.py): counts over tiles of 4096², ties by row number."""
    a, b = torch.from_numpy(images), torch.from_numpy(reports)
    count = len(a)
    starts = range(0, count, TILE)
    own = torch.cat([(SCALE * (a[n : n + TILE] @ b[n : n + TILE].T)).diagonal() for n in starts])
    forth, back = torch.zeros(count, dtype=torch.int64), torch.zeros(count, dtype=torch.int64)
    number = torch.arange(count)
    for row in starts:
        rows = slice(row, row + TILE)
        for column in starts:
            columns = slice(column, column + TILE)
            logits = SCALE * (a[rows] @ b[columns].T)
            of_row, of_column = own[rows, None], own[None, columns]
            earlier = number[None, columns] < number[rows, None]
            later = number[rows, None] < number[None, columns]
            forth[rows] += ((logits > of_row) | ((logits == of_row) & earlier)).sum(dim=1)
            back[columns] += ((logits > of_column) | ((logits == of_column) & later)).sum(dim=0)
    return Answer(rank=forth.numpy())


def full_argsort(images: Array, reports: Array) -> Answer:
    """open_clip up to 3.3 and CXR-CLIP: the whole matrix of logits, sorted row by row, in both directions."""
    logits = SCALE * torch.from_numpy(images) @ torch.from_numpy(reports).T
    own = torch.arange(len(logits)).view(-1, 1)
    forth, _ = (torch.where(table.argsort(dim=1, descending=True) == own)[1] for table in (logits, logits.T))
    return Answer(rank=forth.numpy())


def one_hot_recall(images: Array, reports: Array) -> Answer:
    """CLIP_benchmark: the whole matrix and one of pairs; the first K of each row as one-hot rows of pairs."""
    scores = torch.from_numpy(reports) @ torch.from_numpy(images).T
    pairs = torch.eye(len(scores), dtype=torch.bool)
    hits = {}
    for k in KS:
        for table, own in ((scores, pairs), (scores.T, pairs.T)):
            hits[k] = torch.cat([_found(table[n : n + BATCH], own[n : n + BATCH], k)
                                 for n in range(0, len(table), BATCH)])  # fmt: skip
    return Answer(hits={k: hit.numpy() for k, hit in hits.items()})


def _found(scores: torch.Tensor, own: torch.Tensor, k: int) -> torch.Tensor:
    first = torch.nn.functional.one_hot(scores.topk(k, dim=1).indices, scores.shape[1])
    return (first * own[:, None]).sum(dim=(1, 2)) / own.sum(dim=1) > 0


def mate_apart(images: Array, reports: Array) -> Answer:
    """A shortcut often seen: the mates' scores as (I · T).sum(1), the others' from a matrix product."""
    a, b = torch.from_numpy(images), torch.from_numpy(reports)
    own = (a * b).sum(dim=1)
    starts = range(0, len(a), TILE)
    ranks = [
        sum(
            (a[row : row + TILE] @ b[n : n + TILE].T > own[row : row + TILE, None]).sum(dim=1) for n in starts
        )
        for row in starts
    ]
    return Answer(rank=torch.cat(ranks).numpy())
