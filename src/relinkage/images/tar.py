"""Members of tar files, as WebDataset shards are: a file is listed once, then members are read in place."""

import os
import tarfile
from pathlib import Path, PurePosixPath

from relinkage.images.kept import Kept
from relinkage.images.limits import UnreadableImageError, check_bytes

_INDEXES: Kept[dict[str, tuple[int, int]]] = Kept(room=4096)


def tar_member(file: Path, name: str) -> bytes:
    """Read a member of an uncompressed tar file; of several with one name, the last, as `tar` would.

    Args:
        file: the tar file.
        name: the member's name; `./a` and `a` are the same.

    Raises:
        UnreadableImageError: there is no such member, it is too large or cut off, or the file is no
            uncompressed tar file.
    """
    state = file.stat()
    index = _INDEXES.get((file, state.st_mtime_ns, state.st_size), lambda: _index(file))
    if (place := index.get(_plain(name))) is None:
        raise UnreadableImageError("the image is missing in its tar file")
    start, size = place
    check_bytes(size)
    descriptor = os.open(file, os.O_RDONLY)
    try:
        content = os.pread(descriptor, size, start)
    finally:
        os.close(descriptor)
    if len(content) < size:
        raise UnreadableImageError("the image is cut off at the end of its tar file")
    return content


def _index(file: Path) -> dict[str, tuple[int, int]]:
    """List regular members: their first byte and how many there are. What follows damage is not listed."""
    index: dict[str, tuple[int, int]] = {}
    reached = -1
    try:
        with tarfile.open(file, "r:") as archive:
            while (member := archive.next()) is not None:
                if member.offset <= reached:  # a damaged size can lead backwards, and round for ever
                    break
                reached = member.offset
                archive.members.clear()  # type: ignore[attr-defined]  # tarfile keeps them all
                if member.isreg() and not member.issparse() and member.size >= 0:
                    index[_plain(member.name)] = (member.offset_data, member.size)
    except Exception:  # damaged headers make tarfile raise anything
        if not index:
            raise UnreadableImageError("the image's container is not an uncompressed tar file") from None
    return index


def _plain(name: str) -> str:
    return str(PurePosixPath(name.removeprefix("./")))
