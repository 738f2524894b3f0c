"""Vectors that stay on disk: rows are read as they are needed, so memory does not grow with their number.

Rows are read with plain reads and not through a memory map: mapped pages count as the process's memory until
the system takes them back, and a machine that is short of memory is what this is for.
"""

import json
import os
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeGuard, overload

import numpy as np
from numpy.typing import NDArray

from relinkage.errors import InputError
from relinkage.files import fingerprint_of

Ints = NDArray[np.int64]

BFLOAT16 = "bfloat16"
_GAP = 2**15
"""Bytes between two wanted rows up to which one read takes both; more would read too much for nothing."""
_BLOCK = 4096


class Source(Protocol):
    """A matrix whose rows are read when they are asked for, shape (n, d)."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """What its rows come as: float16, float32 or float64."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice | Ints) -> NDArray[Any]:
        """Read some rows into memory."""
        ...


Matrix = NDArray[Any] | Source
"""Vectors in memory or on disk, a row each."""


def is_stored(vectors: Matrix) -> TypeGuard[Source]:
    """Say whether vectors are read when they are asked for; a numpy memory map counts as such."""
    return not isinstance(vectors, np.ndarray) or isinstance(vectors, np.memmap)


@dataclass(frozen=True)
class Piece:
    """Rows that lie one after the other in a file.

    Attributes:
        file: the file.
        offset: where the first row begins, in bytes.
        rows: how many there are.
    """

    file: Path
    offset: int
    rows: int


@dataclass(frozen=True)
class Stored:
    """Rows of equal width in one file or one after the other in several, read when they are asked for.

    Attributes:
        pieces: where the rows lie, in order.
        width: numbers in a row.
        kind: the type on disk: a numpy type with its byte order such as "<f2", or "bfloat16", which
            comes as float32.
    """

    pieces: tuple[Piece, ...]
    width: int
    kind: str

    ndim = 2

    def __len__(self) -> int:
        return self._starts[-1]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self), self.width

    @property
    def bytes_on_disk(self) -> int:
        """How much the rows take on disk."""
        return len(self) * self.width * self._on_disk.itemsize

    @property
    def dtype(self) -> np.dtype[Any]:
        """What rows come as, in native byte order."""
        return np.dtype(np.float32 if self.kind == BFLOAT16 else self.kind).newbyteorder("=")

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *np.cumsum([piece.rows for piece in self.pieces]).tolist()]

    @property
    def _on_disk(self) -> np.dtype[Any]:
        return np.dtype("<u2" if self.kind == BFLOAT16 else self.kind)

    def __getitem__(self, rows: slice | Ints) -> NDArray[Any]:
        """Read rows: a slice without a step, or numbers of rows in any order.

        Raises:
            InputError: a file is gone or shorter than it was.
        """
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(len(self))
            raw = np.empty((max(stop - start, 0), self.width), self._on_disk)
            self._read(start, raw)
            return self._native(raw)
        wanted, back = np.unique(rows, return_inverse=True)
        raw = np.empty((len(wanted), self.width), self._on_disk)
        # Neighbours are read together, the rows between them thrown away.
        apart = np.flatnonzero(np.diff(wanted) > 1 + _GAP // max(raw.itemsize * self.width, 1)) + 1
        for first, last in zip([0, *apart], [*apart, len(wanted)], strict=True):
            for begin in range(first, last, _BLOCK):
                some = wanted[begin : min(begin + _BLOCK, last)]
                if len(some) == some[-1] - some[0] + 1:
                    self._read(int(some[0]), raw[begin : begin + len(some)])
                    continue
                span = np.empty((some[-1] - some[0] + 1, self.width), self._on_disk)
                self._read(int(some[0]), span)
                raw[begin : begin + len(some)] = span[some - some[0]]
        return self._native(raw if len(wanted) == len(rows) and _ascend(back) else raw[back.ravel()])

    def _native(self, raw: NDArray[Any]) -> NDArray[Any]:
        return from_bfloat16(raw) if self.kind == BFLOAT16 else raw.astype(self.dtype, copy=False)

    def _read(self, start: int, into: NDArray[Any]) -> None:
        """Fill `into` with the rows from `start` on."""
        size, done = into.itemsize * self.width, 0
        while done < len(into):
            index = bisect_right(self._starts, start + done) - 1
            piece, inside = self.pieces[index], start + done - self._starts[index]
            count = min(len(into) - done, piece.rows - inside)
            _fill(piece.file, piece.offset + inside * size, into[done : done + count])
            done += count


@dataclass(frozen=True, eq=False)
class Chosen:
    """Some rows of vectors, in some order, read when they are asked for.

    Attributes:
        of: the vectors.
        rows: numbers of rows: int64, shape (n,), or a range.
    """

    of: Matrix
    rows: Ints | range

    ndim = 2

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.rows), self.of.shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """What rows come as."""
        return self.of.dtype

    def __getitem__(self, rows: slice | Ints) -> NDArray[Any]:
        """Read some of the rows."""
        picked = _pick(self.rows, rows)
        return self.of[slice(picked.start, picked.stop) if isinstance(picked, range) else picked]


@overload
def choose(vectors: NDArray[Any], rows: slice | Ints) -> NDArray[Any]: ...
@overload
def choose(vectors: Matrix, rows: slice | Ints) -> Matrix: ...
def choose(vectors: Matrix, rows: slice | Ints) -> Matrix:
    """Give some rows, of vectors on disk without reading them.

    Args:
        vectors: in memory or on disk.
        rows: a slice without a step, or numbers of rows.
    """
    if not is_stored(vectors):
        return vectors[rows]
    if isinstance(vectors, Chosen):
        return Chosen(vectors.of, _pick(vectors.rows, rows))
    return Chosen(vectors, _pick(range(len(vectors)), rows))


def from_bfloat16(raw: NDArray[Any]) -> NDArray[np.float32]:
    """Return the numbers that bits of bfloat16 stand for: the upper half of a float32.

    Args:
        raw: two bytes a number, little-endian.
    """
    return (raw.view("<u2").astype(np.uint32) << 16).view(np.float32)


def fingerprint_of_rows(vectors: Matrix) -> str:
    """Give the fingerprint of the numbers, row by row, whether they lie in memory or on disk."""
    if not is_stored(vectors):
        return fingerprint_of([np.ascontiguousarray(vectors).data])
    return fingerprint_of(
        np.ascontiguousarray(vectors[start : start + _BLOCK]).data for start in range(0, len(vectors), _BLOCK)
    )


def in_npy(path: Path) -> Stored | None:
    """Find the rows of a `.npy` file; None where they do not lie there row by row as floating-point numbers.

    numpy knows no bfloat16 and writes it as two bytes of no type, which are taken for it.

    Args:
        path: the file.

    Raises:
        ValueError: it is no `.npy` file.
    """
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, columns_first, dtype = read(file)
        offset = file.tell()
    kind = BFLOAT16 if dtype == np.dtype("V2") else dtype.str
    if len(shape) != 2 or 0 in shape or columns_first:
        return None
    if kind != BFLOAT16 and (dtype.kind != "f" or dtype.itemsize > 8):
        return None
    return _whole(path, offset, shape, kind)


def in_safetensors(path: Path, name: str) -> Stored | None:
    """Find the rows of one array of a `.safetensors` file; None where that is not a matrix of floats.

    Args:
        path: the file, which was opened with safetensors before and is sound.
        name: the array.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(length))[name]
    kind = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": BFLOAT16}.get(entry["dtype"])
    if kind is None or len(entry["shape"]) != 2 or 0 in entry["shape"]:
        return None
    return _whole(path, 8 + length + entry["data_offsets"][0], entry["shape"], kind)


def _whole(path: Path, offset: int, shape: tuple[int, ...] | list[int], kind: str) -> Stored | None:
    # The whole path, so that a worker elsewhere on the machine or on shared storage finds it.
    stored = Stored((Piece(path.resolve(), offset, shape[0]),), shape[1], kind)
    return stored if path.stat().st_size >= offset + stored.bytes_on_disk else None


def _pick(chosen: Ints | range, rows: slice | Ints) -> Ints | range:
    if isinstance(rows, slice):
        return chosen[rows]
    return rows + chosen.start if isinstance(chosen, range) else chosen[rows]


def _ascend(back: Ints) -> bool:
    return bool((back.ravel() == np.arange(back.size)).all())


def _fill(file: Path, offset: int, into: NDArray[Any]) -> None:
    buffer = into.view(np.uint8).data.cast("B")
    try:
        handle = os.open(file, os.O_RDONLY)
    except OSError as error:
        raise InputError(
            f"{file} cannot be read any more ({error.strerror}); leave it in place until the work is done."
        ) from None
    try:
        done = 0
        while done < len(buffer):
            count = os.preadv(handle, [buffer[done:]], offset + done)
            if not count:
                raise InputError(
                    f"{file} became shorter while it was read; leave it as it is until the work is done."
                )
            done += count
    finally:
        os.close(handle)
