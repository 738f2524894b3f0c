"""Where an image's bytes lie: in a file, or inside of a container, and never outside of the cohort's folder.

`FILE::MEMBER` names a member of a tar file; `FILE::COLUMN/ROW` a cell of an Arrow IPC or Parquet file, with
rows from 0, and `FILE::COLUMN/ROW#ITEM` an item, from 0, of a cell that is a list. Either holds the image's
bytes, or a struct of `bytes` and `path` as Hugging Face `datasets` writes it; where it holds a path alone,
that is a file, relative to the container's folder.
"""

import os
import re
import stat
from pathlib import Path
from typing import Any

from relinkage.images.limits import UnreadableImageError, check_bytes
from relinkage.images.tar import tar_member

SEPARATOR = "::"
MISSING = "the image is missing"
_CELL = re.compile(r"(.+)/([0-9]{1,18})(?:#([0-9]{1,18}))?", re.DOTALL)
_TABLES = (".arrow", ".ipc", ".feather", ".parquet")


def read_bytes(path: Path, root: Path) -> bytes:
    """Read the bytes of an image.

    Args:
        path: an image file, or a reference into a container. A file that has `::` in its own name and is
            there is a file.
        root: the folder that the file or container must lie in once links are followed.

    Raises:
        UnreadableImageError: nothing is there, it lies outside of `root`, is too large, or the container
            cannot be read.
    """
    file, member = _split(path, root)
    real = _inside(file, root)
    if member is None:
        return _whole(real)
    kind = real.suffix.lower()
    if kind == ".tar":
        return tar_member(real, member)
    if kind not in _TABLES:
        raise UnreadableImageError("the image lies in a container that is no .tar, .arrow or .parquet file")
    named = _CELL.fullmatch(member)
    if named is None:
        raise UnreadableImageError("the reference names no COLUMN/ROW of its table")
    value = _cell(real, named[1], int(named[2]))
    if named[3] is not None:
        value = _item(value, int(named[3]))
    if isinstance(value, dict):
        value = value.get("bytes") or value.get("path")
    if isinstance(value, bytes):
        check_bytes(len(value))
        return value
    if not isinstance(value, str) or not value:
        raise UnreadableImageError("the table's cell holds no image")
    return _whole(_inside(file.parent / value, root))


def _cell(file: Path, column: str, row: int) -> Any:
    # Where used: the processes that decode DICOM start in half the time without polars.
    from relinkage.images.arrow import arrow_cell
    from relinkage.images.scanned import parquet_cell

    return (parquet_cell if file.suffix.lower() == ".parquet" else arrow_cell)(file, column, row)


def _item(value: Any, place: int) -> Any:
    """Give an item of a cell that is a list."""
    if not hasattr(value, "to_list") or place >= len(value):
        raise UnreadableImageError("the image is missing in its table")
    return value[place]


def _split(path: Path, root: Path) -> tuple[Path, str | None]:
    """Part a reference into its container and what it names there; the root may have `::` in its name."""
    base = root if path.is_relative_to(root) else Path()
    name = str(path.relative_to(base))
    file, found, member = name.partition(SEPARATOR)
    if not found or _exists(path):
        return path, None
    return base / file, member


def _exists(path: Path) -> bool:
    try:
        return os.path.lexists(path)
    except (OSError, ValueError):
        return False


def _inside(file: Path, root: Path) -> Path:
    """Follow links; give the real place of a regular file inside of the root."""
    try:
        real = file.resolve(strict=True)
        state = real.stat()
    except (OSError, RuntimeError, ValueError):
        raise UnreadableImageError(MISSING) from None
    if not real.is_relative_to(root.resolve()):
        raise UnreadableImageError("the image lies outside the cohort's folder, behind a link")
    if not stat.S_ISREG(state.st_mode):  # a pipe would be waited for, a device never ends
        raise UnreadableImageError("the image is not a regular file")
    return real


def _whole(file: Path) -> bytes:
    check_bytes(file.stat().st_size)
    return file.read_bytes()
