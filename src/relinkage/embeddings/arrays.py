"""Plain arrays of features or embeddings from the formats that other tools write."""

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from safetensors import safe_open

from relinkage.embeddings.stored import Matrix, Stored, in_npy, in_safetensors
from relinkage.errors import InputError
from relinkage.tables import read_parquet

FORMATS = (".npy", ".npz", ".safetensors", ".parquet")
FLOATS = (np.float16, np.float32, np.float64)
LARGE = 2**27
"""Bytes from which on an array stays on disk and is read as it is needed."""


def read_array(path: str | PathLike[str]) -> NDArray[Any]:
    """Read a matrix of vectors, a row each.

    Pickled objects are never loaded. Integers are refused rather than converted: where features are
    expected they are usually labels or row numbers that were named by mistake. bfloat16 becomes float32.
    Whether values are finite is not looked at here.

    Args:
        path: a `.npy`, `.npz`, `.safetensors` or `.parquet` file. `FILE:NAME` picks one array, or one list
            column, of a file that holds several. A Parquet file holds either one column of equally long
            lists, or nothing but columns of floating-point numbers, each a dimension.

    Returns:
        float16, float32 or float64 as stored, in native byte order, C-contiguous, shape (rows, dimensions).

    Raises:
        InputError: the file is missing, unreadable, not two-dimensional, empty, or holds no floating-point
            numbers; or it holds several arrays and no name was given, or none of that name.
    """
    return _checked(_read(*_find(path)), str(path))


def open_array(path: str | PathLike[str]) -> Matrix:
    """Do what `read_array` does, but leave a large array on disk where its rows can be read one by one.

    They can in `.npy` files that lie row by row and in `.safetensors` files, local or on shared storage.

    Args:
        path: as in `read_array`.

    Raises:
        InputError: as in `read_array`; also later, when rows are read from a file that has changed.
    """
    file, name = _find(path)
    if file.suffix in (".npy", ".safetensors") and file.stat().st_size >= LARGE:
        stored = _read(file, name, stay=True)
        if stored is not None:
            return stored
    return _checked(_read(file, name), str(path))


def _find(path: str | PathLike[str]) -> tuple[Path, str | None]:
    file, name = _split(str(path))
    if file.suffix not in FORMATS:
        raise InputError(f"{file} is no array file; name one that ends in {', '.join(FORMATS)}.")
    if file.is_dir():
        raise InputError(f"{file} is a folder; name an array file.")
    if not file.is_file():
        raise InputError(f"{file} does not exist; name an array file.")
    return file, name


def _read(file: Path, name: str | None, *, stay: bool = False) -> Any:
    readers: dict[str, Callable[[Path, str | None], Any]]
    readers = {".npy": _npy, ".npz": _npz, ".safetensors": _safetensors, ".parquet": _parquet}
    if stay:
        readers = {".npy": _stored_npy, ".safetensors": _stored_safetensors}
    try:
        return readers[file.suffix](file, name)
    except InputError:
        raise
    # On damaged bytes the readers raise anything; polars' panic is not even an Exception.
    except (Exception, pl.exceptions.PanicException) as error:
        raise InputError(
            f"{file} cannot be read as a {file.suffix} array ({type(error).__name__}); "
            "check the file, which may hold no pickled objects."
        ) from None


def _split(path: str) -> tuple[Path, str | None]:
    """`emb.npz:images` is the array `images` of `emb.npz`."""
    file, colon, name = path.rpartition(":")
    if colon and file.endswith((".npz", ".safetensors", ".parquet")):
        return Path(file), name
    return Path(path), None


def _npy(path: Path, name: str | None) -> NDArray[Any]:
    with path.open("rb") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _stored_npy(path: Path, name: str | None) -> Stored | None:
    return in_npy(path)


def _stored_safetensors(path: Path, name: str | None) -> Stored | None:
    with safe_open(path, "np") as file:  # which checks that the file is whole
        chosen = _choose(list(file.keys()), name, path)
    return in_safetensors(path, chosen)


def _npz(path: Path, name: str | None) -> NDArray[Any]:
    with np.load(path, allow_pickle=False) as arrays:
        return arrays[_choose(arrays.files, name, path)]


def _safetensors(path: Path, name: str | None) -> NDArray[Any]:
    with safe_open(path, "np") as file:
        chosen = _choose(list(file.keys()), name, path)
        if file.get_slice(chosen).get_dtype() != "BF16":
            return file.get_tensor(chosen)
    with safe_open(path, "pt") as file:  # through torch, because numpy has no bfloat16
        return file.get_tensor(chosen).float().numpy()


def _parquet(path: Path, name: str | None) -> NDArray[Any]:
    table = read_parquet(path)
    lists = [column for column, kind in table.schema.items() if isinstance(kind, (pl.List, pl.Array))]
    if name is None and not lists:
        wrong = [column for column, kind in table.schema.items() if not kind.is_float()]
        if wrong:
            raise InputError(
                f"{path} has columns that are no floating-point numbers ({', '.join(wrong[:5])}); "
                "keep only the dimensions, or one list column."
            )
        _check_nulls(path, [table[column].null_count() for column in table.columns])
        return table.to_numpy()
    rows = table[_choose(lists, name, path)]
    if isinstance(rows.dtype, pl.List):
        lengths = rows.list.len()
        _check_nulls(path, [rows.null_count()])
        if rows.is_empty() or lengths.n_unique() != 1:
            raise InputError(
                f"{path} has lists of differing lengths, or none; every row needs as many numbers."
            )
        rows = rows.cast(pl.Array(rows.dtype.inner, int(lengths[0])))
    _check_nulls(path, [rows.null_count(), rows.explode().null_count()])
    return rows.to_numpy()


def _check_nulls(path: Path, counts: list[int]) -> None:
    if sum(counts):
        raise InputError(f"{path} has {sum(counts)} empty cells among its vectors; fill or drop those rows.")


def _choose(names: list[str], name: str | None, path: Path) -> str:
    listed = ", ".join(names[:8]) or "none"
    if name is not None:
        if name not in names:
            raise InputError(f"{path} holds no array {name} (it holds: {listed}); name one of them.")
        return name
    if len(names) != 1:
        raise InputError(f"{path} holds {len(names)} arrays ({listed}); name one as {path}:NAME.")
    return names[0]


def _checked(array: NDArray[Any], source: str) -> NDArray[Any]:
    if array.dtype.newbyteorder("=") not in FLOATS:
        raise InputError(
            f"{source} holds {array.dtype} values; give float16, float32 or float64 "
            "(convert whole numbers only if they really are features)."
        )
    if array.ndim != 2:
        raise InputError(
            f"{source} has {array.ndim} dimensions, shape {array.shape}; give a matrix with a row per vector."
        )
    if 0 in array.shape:
        raise InputError(f"{source} is empty, shape {array.shape}; give at least one row and one column.")
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
