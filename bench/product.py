"""The matrix product that no exact pass avoids, and nothing else."""

import torch

from bench.planting import Array
from relinkage.linkage.engines.sweep import sweep


def bare_product(images: Array, reports: Array, block: int = 1024) -> None:
    """The product in blocks into one buffer, every thread torch has, nothing read from it."""
    a, b = torch.from_numpy(images), torch.from_numpy(reports)
    buffer = torch.empty(block * block)
    for row in range(0, len(a), block):
        for column in range(0, len(b), block):
            x, y = a[row : row + block], b[column : column + block]
            torch.mm(x, y.T, out=buffer[: len(x) * len(y)].view(len(x), len(y)))


def bare_strips(images: Array, reports: Array) -> None:
    """The same product by numpy in strips, one thread each, as the exact pass cuts it."""
    sweep(images, reports, lambda: lambda tile, row, column: None)
