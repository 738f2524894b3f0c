"""Arrays as people hold them: from numpy, torch, lists, or a file."""

from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from relinkage.embeddings.arrays import open_array, read_array
from relinkage.embeddings.stored import Chosen, Matrix, Stored
from relinkage.errors import InputError


@dataclass(frozen=True)
class Given:
    """How arrays that somebody gave are called.

    Attributes:
        images: the array of the images: its file, or what messages call it.
        reports: that of the reports.
        pairs: the table of pairs, where there is one.
        fingerprints: of the content of the three, in this order.
        columns: columns of the table that nothing needed to add.
    """

    images: str
    reports: str
    pairs: str | None
    fingerprints: tuple[str, str, str]
    columns: tuple[str, ...]


def as_matrix(array: Any, name: str, *, large_on_disk: bool = False) -> Matrix:
    """Return an array as the matrix of vectors that it is, a row each.

    Args:
        array: numpy or a memory map; a torch tensor on any device, bfloat16 too; nested lists; or a path that
            `read_array` takes.
        name: what messages call it.
        large_on_disk: leave the rows of a large file on disk, and read them as they are needed.

    Returns:
        float16, float32 or float64, shape (rows, dimensions).

    Raises:
        InputError: it has not two dimensions, or holds no floating-point numbers, or the file cannot be read.

    Examples:
        >>> as_matrix([[1.0, 0.0], [0.0, 1.0]], "images").shape
        (2, 2)
    """
    if isinstance(array, str | PathLike):
        return open_array(array) if large_on_disk else read_array(array)
    if isinstance(array, np.ndarray | Stored | Chosen):
        matrix: Any = array
    else:
        try:
            matrix = np.asarray(from_tensor(array))
        except ValueError:
            raise InputError(
                f"{name} has rows of different lengths; give as many numbers for each vector."
            ) from None
    if len(matrix.shape) != 2 or 0 in matrix.shape:
        raise InputError(
            f"{name} has shape {tuple(matrix.shape)}; give a row per vector: (vectors, dimensions)."
        )
    if matrix.dtype.kind != "f" or matrix.dtype.itemsize > 8:
        raise InputError(f"{name} holds {matrix.dtype}; give float16, float32 or float64.")
    return matrix


def from_tensor(values: Any) -> Any:
    """Return a torch tensor as a numpy array, bfloat16 as float32, and anything else as it is."""
    if not (hasattr(values, "detach") and hasattr(values, "cpu")):
        return values
    tensor = values.detach().cpu()
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()


def not_finite(name: str, rows: int, of: int, first: int) -> InputError:
    """Return the sentence about vectors that are not finite.

    Args:
        name: what messages call the array.
        rows: how many of its rows are not.
        of: how many it has.
        first: the first that is not, from 0.
    """
    return InputError(
        f"{name} holds NaN or infinity in {rows} of {of} rows, the first is row {first} (counting from 0); "
        "remove them."
    )


def no_shared_space(names: tuple[str, str], widths: tuple[int, int]) -> InputError:
    """Return the sentence about two sides that cannot be compared.

    Args:
        names: what messages call them.
        widths: their dimensions.
    """
    return InputError(
        f"{names[0]} has {widths[0]} dimensions and {names[1]} has {widths[1]}, so they share no space; "
        "train heads on them first (`relinkage align`) and put those on with --heads HEADS."
    )
