"""Cells of Arrow IPC files, stream or file format: the record batches are listed once, then read singly.

A stream is a row of messages (Arrow columnar format, "Encapsulated message format"), and most writers of the
file format only put eight bytes before them and a footer after. A batch with the schema before it is a
stream of its own, so no more than the batch that is asked for is ever read.
"""

import os
import struct
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from relinkage.images.flatbuffers import Table
from relinkage.images.kept import Kept
from relinkage.images.limits import UnreadableImageError
from relinkage.images.scanned import arrow_file_cell
from relinkage.tables import BROKEN

_MAGIC = b"ARROW1\0\0"
_CONTINUES = b"\xff\xff\xff\xff"
_END = _CONTINUES + bytes(4)
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3
_LARGEST = 2_000_000_000
"""Bytes of a batch, stored and unpacked. Its lengths come from the file; one system call reads no more."""


@dataclass(frozen=True)
class _Message:
    start: int
    header: int
    body: int
    kind: int
    rows: int


@dataclass(frozen=True)
class _Index:
    """Where the batches lie, the row that each begins with, and what every one of them needs before it."""

    batches: tuple[_Message, ...]
    first_rows: tuple[int, ...]
    rows: int
    preface: bytes


_INDEXES: Kept[_Index | None] = Kept(room=4096)
_BATCHES: Kept[pl.Series] = Kept(room=3)


def arrow_cell(file: Path, column: str, row: int) -> Any:
    """Give a cell of an Arrow IPC file.

    Args:
        file: the file.
        column: the column's name.
        row: its row, from 0, over all batches.

    Raises:
        UnreadableImageError: there is no such cell, or the file is damaged.
    """
    state = file.stat()
    key = (file, state.st_mtime_ns, state.st_size)
    index = _INDEXES.get(key, lambda: _listed(file))
    if index is None:
        return arrow_file_cell(file, column, row)
    if row >= index.rows:
        raise UnreadableImageError("the image is missing in its table")
    number = bisect_right(index.first_rows, row) - 1
    batch = _BATCHES.get((*key, column, number), lambda: _read(file, column, index, number))
    return batch[row - index.first_rows[number]]


def _listed(file: Path) -> _Index | None:
    """List the batches up to the end or the first damage; None for a file that only its footer lists."""
    preface, batches = b"", []
    size = file.stat().st_size
    descriptor = os.open(file, os.O_RDONLY)
    try:
        in_file_format = os.pread(descriptor, len(_MAGIC), 0) == _MAGIC
        place = len(_MAGIC) if in_file_format else 0
        while (message := _message(descriptor, place, size)) is not None:
            if message.kind in (_SCHEMA, _DICTIONARY):
                preface += os.pread(descriptor, message.header + message.body, place)
            elif message.kind == _BATCH:
                batches.append(message)
            place += message.header + message.body
    finally:
        os.close(descriptor)
    if not preface and in_file_format:
        return None
    if not 0 < len(preface) <= _LARGEST:
        raise UnreadableImageError("the image's table cannot be read")
    first_rows, rows = [], 0
    for batch in batches:
        first_rows.append(rows)
        rows += batch.rows
    return _Index(tuple(batches), tuple(first_rows), rows, preface)


def _message(descriptor: int, start: int, size: int) -> _Message | None:
    """Read the message at `start`; None at the end, or where there is no whole message."""
    prefix = os.pread(descriptor, 8, start)
    before = 8 if prefix.startswith(_CONTINUES) else 4  # without the mark before Arrow 0.15
    if len(prefix) < 8:
        return None
    (length,) = struct.unpack_from("<i", prefix, before - 4)
    if not 0 < length <= size - start - before:
        return None
    try:
        table = Table.root(os.pread(descriptor, length, start + before))
        body = table.integer(3, "q")
        content = table.table(2)
        rows = content.integer(0, "q") if content is not None else 0
        kind = table.integer(1, "B")
    except (struct.error, ValueError):
        return None
    header = before + length
    if not 0 <= body <= size - start - header or rows < 0:
        return None
    return _Message(start, header, body, kind, rows)


def _read(file: Path, column: str, index: _Index, number: int) -> pl.Series:
    message = index.batches[number]
    if message.header + message.body > _LARGEST:
        raise UnreadableImageError("the image's table has too large a record batch")
    descriptor = os.open(file, os.O_RDONLY)
    try:
        data = os.pread(descriptor, message.header + message.body, message.start)
    finally:
        os.close(descriptor)
    try:
        _check_claims(data, message)
        batch = pl.read_ipc_stream(index.preface + data + _END, columns=[column])[column]
    except pl.exceptions.ColumnNotFoundError:
        raise UnreadableImageError("the image is missing in its table") from None
    except (*BROKEN, struct.error, ValueError):
        raise UnreadableImageError("the image's table cannot be read") from None
    if len(batch) != message.rows:
        raise UnreadableImageError("the image's table cannot be read")
    return batch


def _check_claims(data: bytes, message: _Message) -> None:
    """Check that no buffer lies outside of the body, and what compressed ones say they will become."""
    body = memoryview(data)[message.header :]
    before = 8 if data.startswith(_CONTINUES) else 4
    content = Table.root(data[before : message.header]).table(2)
    if content is None:
        raise ValueError("no batch")
    total = 0
    for start, length in content.pairs(2):
        if min(start, length) < 0 or start + length > len(body):
            raise ValueError("a buffer outside of the body")
        if content.table(3) is not None and length >= 8:  # the compressed form states its length before it
            total += max(struct.unpack_from("<q", body, start)[0], 0)
    if total > _LARGEST:
        raise ValueError("a batch that is too large")
