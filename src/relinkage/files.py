"""Files that are either whole or absent: written under a temporary name, then renamed."""

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from relinkage.errors import InputError
from relinkage.leftovers import discard, exchange, temporary_beside, tidy

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The disk is full, the user's share of it is used up, files may not be as large: no error names the file."""


@contextmanager
def whole_file(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it onto `path` when the block ends without an error.

    Args:
        path: the file to write; its folder is made where it is missing.
        private: whether nobody but its owner may read it.

    Yields:
        The path to write to. It keeps the suffix of `path`, which some writers go by.

    Raises:
        OSError: it cannot be written; the error names `path`, and folders that were made for it are gone.
    """
    temporary = temporary_beside(path, path.suffix)
    with _written(path, temporary):
        tidy(path)
        try:
            # The mask can only be read by setting it, for all threads; a new file shows what it leaves.
            temporary.touch()
            mode = stat.S_IMODE(temporary.stat().st_mode)
            temporary.unlink()
            if private:
                mode &= stat.S_IRUSR | stat.S_IWUSR
                temporary.touch(mode)  # before there is anything in it
            yield temporary
            temporary.chmod(mode)  # some writers leave files that only their owner can read
            os.replace(temporary, path)
        finally:
            discard(temporary)


@contextmanager
def _written(path: Path, temporary: Path) -> Iterator[None]:
    """Make the folders above `path`; where the block fails, they go again, and its error names `path`."""
    missing = [place for place in path.parents if not place.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException as error:
        for place in missing:
            with suppress(OSError):
                place.rmdir()
        if isinstance(error, OSError) and _concerns(error, temporary):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def _concerns(error: OSError, temporary: Path) -> bool:
    if error.filename is None:
        return error.errno in _NO_ROOM
    return isinstance(error.filename, str) and Path(error.filename).is_relative_to(temporary)


def check_file(path: Path) -> None:
    """Check, before any work is done, that a file may be written at `path`.

    Raises:
        InputError: `path` is a folder, or a folder above it is a file.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file to write.")
    for place in path.parents:
        if place.exists() and not place.is_dir():
            raise InputError(f"{place} is a file; name a folder to write to.")


def check_folder(path: Path, marker: str, schema: str) -> None:
    """Check, before any work is done, that a folder may be written at `path`.

    Raises:
        InputError: `path` or a folder above it is a file, or `path` holds things that relinkage did not
            write: anything but nothing, or an earlier folder whose `marker` is JSON of the same schema.
    """
    for place in (path, *path.parents):
        if place.exists() and not place.is_dir():
            raise InputError(f"{place} is a file; name a folder to write to.")
    if path.is_dir() and any(path.iterdir()) and _schema_of(path / marker) != schema:
        raise InputError(f"{path} holds files that relinkage did not write; name a new or an empty folder.")


@contextmanager
def whole_folder(path: Path, marker: str, schema: str) -> Iterator[Path]:
    """Give an empty temporary folder; rename it onto `path` when the block ends without an error.

    An existing `path` is replaced only where its file `marker` says that relinkage wrote it.

    Args:
        path: the folder to write.
        marker: the JSON file that such a folder holds.
        schema: what that file has under "schema".

    Raises:
        InputError: as in `check_folder`.
        OSError: as in `whole_file`.
    """
    check_folder(path, marker, schema)
    path = path.resolve()
    temporary = temporary_beside(path)
    with _written(path, temporary):
        yield from _replacing(path, temporary)


def _replacing(path: Path, temporary: Path) -> Iterator[Path]:
    tidy(path)
    replaced = path.with_name(f"{temporary.name}-replaced")
    if replaced.is_dir() and not path.exists():  # left by a process that had the same number
        os.replace(replaced, path)
    discard(temporary, replaced)
    try:
        temporary.mkdir()
        yield temporary
        if not path.is_dir():
            os.replace(temporary, path)
        elif not exchange(temporary, path):  # where names cannot change places, a moment has neither
            os.replace(path, replaced)
            os.replace(temporary, path)
    finally:
        if replaced.is_dir() and not path.exists():
            os.replace(replaced, path)
        discard(temporary, replaced)


def _schema_of(marker: Path) -> object:
    try:
        value = json.loads(marker.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return value.get("schema") if isinstance(value, dict) else None


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all. NaN and infinity are refused."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path, what: str) -> dict[str, Any]:
    """Read a JSON object.

    Args:
        path: the file.
        what: what the file should be, for the error message ("an audit", "a manifest").

    Raises:
        InputError: the file is missing, unreadable or holds no JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; name {what}.") from None
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as {what}: {type(error).__name__}.") from None
    if not isinstance(value, dict):
        raise InputError(f"{path} is not {what}: it holds no JSON object.")
    return value


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def fingerprint(*parts: bytes | memoryview) -> str:
    """Give `sha256:` and the hexadecimal digest of the parts, one after the other."""
    return fingerprint_of(parts)


def fingerprint_of(parts: Iterable[bytes | memoryview]) -> str:
    """Do what `fingerprint` does with parts that are made as they are needed."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return f"sha256:{digest.hexdigest()}"
