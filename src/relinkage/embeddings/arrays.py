"""Plain arrays of features or embeddings from the formats that other tools write."""

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from safetensors import safe_open

from relinkage.embeddings.numbered_parts import open_parts
from relinkage.embeddings.stored import Matrix, Stored, from_bfloat16, in_npy, in_safetensors
from relinkage.embeddings.vector_columns import from_columns, from_lists, list_columns
from relinkage.errors import InputError
from relinkage.printing import known_of
from relinkage.tables import is_parquet, read_parquet

FORMATS = (".npy", ".npz", ".safetensors", ".parquet", ".pt")
FLOATS = (np.float16, np.float32, np.float64)
LARGE = 2**27
"""Bytes from which on an array stays on disk and is read as it is needed."""
ARRAYS = ("image", "images", "report", "reports", "text", "texts", "features", "embeddings", "vectors")
"""What arrays of a file may be called without telling of anybody."""
_ALIASES = {".parq": ".parquet", ".pq": ".parquet", ".pth": ".pt"}
_OF_NUMPY = ("F16", "F32", "F64", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64", "BOOL")
_NARROW = ("BF16", "F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ")
"""Types of safetensors that numpy lacks and that float32 holds exactly."""


def read_array(path: str | PathLike[str]) -> NDArray[Any]:
    """Read a matrix of vectors, a row each.

    Pickled objects are never loaded; of a `.pt` file, only tensors. Integers are refused rather than
    converted: where features are expected they are usually labels or row numbers that were named by mistake.
    bfloat16 and float8 become float32. Whether values are finite is not looked at here.

    Args:
        path: a `.npy`, `.npz`, `.safetensors` or `.pt` file, a Parquet file of any name, or a folder of
            numbered `.npy` files, whose rows follow each other. `FILE:NAME` picks one array, or one list
            column, of a file that holds several. A Parquet file holds either one column of equally long
            lists, or nothing but columns of floating-point numbers, each a dimension, and the index that
            pandas writes, which is left away.

    Returns:
        float16, float32 or float64 as stored, in native byte order, C-contiguous, shape (rows, dimensions);
        an array of shape (rows, 1, dimensions) comes without its middle.

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
    file, name, kind = _find(path)
    stored = _read(file, name, kind, stay=True)
    return _checked(_read(file, name, kind), str(path)) if stored is None else stored


def _find(path: str | PathLike[str]) -> tuple[Path, str | None, str]:
    """Find a file, the name of an array in it, and which reader it takes."""
    file, name = _split(str(path))
    if file.is_dir():
        return file, name, "folder"
    kind = file.suffix.lower()
    kind = ".parquet" if file.is_file() and is_parquet(file) else _ALIASES.get(kind, kind)
    if kind not in FORMATS:
        raise InputError(f"{file} is not an array file; name one that ends in {', '.join(FORMATS)}.")
    if not file.is_file():
        raise InputError(f"{file} does not exist; name an array file.")
    return file, name, kind


def _split(path: str) -> tuple[Path, str | None]:
    """`emb.npz:images` is the array `images` of `emb.npz`."""
    file, _, name = path.rpartition(":")
    if name and not Path(path).exists() and Path(file).is_file():
        return Path(file), name
    return Path(path), None


def _read(file: Path, name: str | None, kind: str, *, stay: bool = False) -> Any:
    """Read an array; or, where it is to stay on disk, find it there: None where it cannot or is small."""
    readers: dict[str, Callable[[Path, str | None], Any]] = (
        {"folder": _stored_parts, ".npy": _stored_npy, ".safetensors": _stored_safetensors}
        if stay
        else {
            "folder": _parts,
            ".npy": _npy,
            ".npz": _npz,
            ".safetensors": _safetensors,
            ".parquet": _parquet,
            ".pt": _torch_file,
        }
    )
    try:
        return readers[kind](file, name) if kind in readers else None
    except InputError:
        raise
    # On damaged bytes the readers raise anything; polars' panic is not even an Exception.
    except (Exception, pl.exceptions.PanicException) as error:
        raise InputError(
            f"{file} cannot be read as a {kind} array ({type(error).__name__}); "
            "check the file, which may hold no pickled objects."
        ) from None


def _parts(path: Path, name: str | None) -> NDArray[Any]:
    return open_parts(path)[:]


def _stored_parts(path: Path, name: str | None) -> Stored | None:
    parts = open_parts(path)
    return parts if parts.bytes_on_disk >= LARGE else None


def _npy(path: Path, name: str | None) -> NDArray[Any]:
    if name is not None:
        _choose([], name, path)
    with path.open("rb") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _stored_npy(path: Path, name: str | None) -> Stored | None:
    return in_npy(path) if name is None and path.stat().st_size >= LARGE else None


def _stored_safetensors(path: Path, name: str | None) -> Stored | None:
    if path.stat().st_size < LARGE:
        return None
    with safe_open(path, "np") as file:  # which checks that the file is whole
        chosen = _choose(list(file.keys()), name, path)
    return in_safetensors(path, chosen)


def _npz(path: Path, name: str | None) -> NDArray[Any]:
    with np.load(path, allow_pickle=False) as arrays:
        return arrays[_choose(arrays.files, name, path)]


def _safetensors(path: Path, name: str | None) -> NDArray[Any]:
    with safe_open(path, "np") as file:
        chosen = _choose(list(file.keys()), name, path)
        kind = file.get_slice(chosen).get_dtype()
        if kind in _OF_NUMPY:
            return file.get_tensor(chosen)
    if kind not in _NARROW:
        raise InputError(f"{path} holds {kind} values; give float16, float32 or float64.")
    with safe_open(path, "pt") as file:  # through torch, because numpy has neither bfloat16 nor float8
        return file.get_tensor(chosen).float().numpy()


def _torch_file(path: Path, name: str | None) -> NDArray[Any]:
    import torch

    held = torch.load(path, map_location="cpu", weights_only=True)
    tensors = {"": held} if isinstance(held, torch.Tensor) and name is None else held
    if not isinstance(tensors, dict):
        raise InputError(f"{path} holds neither a tensor nor named tensors; save one with torch.save.")
    tensors = {str(key): value for key, value in tensors.items() if isinstance(value, torch.Tensor)}
    tensor = tensors[_choose(list(tensors), name, path)].detach()
    exact = tensor.dtype in (torch.float16, torch.float64) or not tensor.is_floating_point()
    return (tensor if exact else tensor.float()).numpy()


def _parquet(path: Path, name: str | None) -> NDArray[Any]:
    table = read_parquet(path)
    lists = list_columns(table)
    if name is None and not lists:
        return from_columns(table, path)
    return from_lists(table[_choose(lists, name, path)], path)


def _choose(names: list[str], name: str | None, path: Path) -> str:
    listed = known_of(names, ARRAYS)
    if name is not None:
        if name not in names:
            raise InputError(f"{path} holds no array {name} (it holds: {listed}); name one of them.")
        return name
    if len(names) != 1:
        raise InputError(f"{path} holds {len(names)} arrays ({listed}); name one as {path}:NAME.")
    return names[0]


def _checked(array: NDArray[Any], source: str) -> NDArray[Any]:
    if array.dtype == np.dtype("V2"):  # as numpy writes the bfloat16 that it does not know
        array = from_bfloat16(array)
    if array.ndim == 3 and array.shape[1] == 1:
        array = array[:, 0]
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
