"""How a tile of products is made, and whether it is what the bands rest on.

float32 products are numpy's, which has no switch for a lower precision. Where the processor multiplies
bfloat16, torch multiplies tensors of that type: operands and product say what they are made of, so none of
the settings by which torch trades precision for speed has a say. None is read or written here.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.engines.bands import product_error
from relinkage.threads import set_torch_threads

TILE_ROWS, TILE_COLUMNS = 512, 1024
"""A tile of 2 MB: large enough for the matrix product, small enough to be counted while it is in cache."""

_LOOKED_AT = 4
"""Rows of a tile that are multiplied once more in float64."""

Floats = NDArray[np.float32]
Multiply = Callable[[slice, slice], Floats]
"""Takes rows and columns, gives the tile of their products; the next call overwrites it."""


class WrongProductError(Exception):
    """A product is further from the true one than its bound."""


class Products(Protocol):
    """Products of all rows and columns, tile by tile."""

    def worker(self) -> Multiply:
        """Return what multiplies in the calling thread, with memory and one thread of its own."""


class InFloat32:
    """Products in single precision.

    Args:
        rows: float32, shape (n, d).
        columns: float32, shape (m, d).
    """

    def __init__(self, rows: Floats, columns: Floats) -> None:
        self._rows, self._columns = rows, columns

    def worker(self) -> Multiply:
        """Return what multiplies in the calling thread."""
        space = np.empty(TILE_ROWS * TILE_COLUMNS, np.float32)

        def multiply(rows: slice, columns: slice) -> Floats:
            a, b = self._rows[rows], self._columns[columns]
            return np.matmul(a, b.T, out=space[: len(a) * len(b)].reshape(len(a), len(b)))

        return multiply


class InBfloat16:
    """Products of numbers that bfloat16 holds, added up in single precision, then rounded to bfloat16.

    Args:
        rows: float32, shape (n, d), whose lower halves are zero.
        columns: the same, shape (m, d).
    """

    def __init__(self, rows: Floats, columns: Floats) -> None:
        self._rows, self._columns = _as_bfloat(rows), _as_bfloat(columns)

    def worker(self) -> Multiply:
        """Return what multiplies in the calling thread."""
        import torch

        set_torch_threads(1)
        wide = np.empty(TILE_ROWS * TILE_COLUMNS, np.float32)
        narrow = torch.from_numpy(np.empty(TILE_ROWS * TILE_COLUMNS, np.int16)).view(torch.bfloat16)

        def multiply(rows: slice, columns: slice) -> Floats:
            a, b = self._rows[rows], self._columns[columns]
            product = narrow[: len(a) * len(b)].view(len(a), len(b))
            torch.mm(a, b.T, out=product)
            tile = wide[: len(a) * len(b)].reshape(len(a), len(b))
            torch.from_numpy(tile).copy_(product)
            return tile

        return multiply


def check(tile: Floats, rows: Floats, columns: Floats, *, bfloat: bool) -> None:
    """Compare some rows of a tile with float64 products of the same numbers.

    Args:
        tile: the products as they were made.
        rows: float32, shape (rows of the tile, d).
        columns: float32, shape (columns of the tile, d).
        bfloat: whether the products were rounded to bfloat16.

    Raises:
        WrongProductError: one of them is further off than `bands` allows for, or is not a number.
    """
    some = slice(None, None, -(-len(rows) // _LOOKED_AT))
    x, y = rows[some].astype(np.float64), columns.astype(np.float64)
    true, reach = x @ y.T, np.outer(np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1))
    bound = product_error(true, reach, x.shape[1], bfloat=bfloat)
    if not (np.abs(tile[some] - true) <= bound).all():
        raise WrongProductError


def _as_bfloat(values: Floats) -> Any:
    """Return the upper halves of float32 numbers as a tensor of bfloat16."""
    import torch

    halves = (np.ascontiguousarray(values).view(np.uint32) >> 16).astype(np.uint16)
    return torch.from_numpy(halves.view(np.int16)).view(torch.bfloat16)
