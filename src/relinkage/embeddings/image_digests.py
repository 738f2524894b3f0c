"""Whether images are still those that were embedded: a salted digest of each image's bytes beside its shard.

A digest and not a file's size and time: radiographs of one device are often equally large, a copied cohort
has other times and the same images, and no folder holds a date. Of a radiograph of 2.8 MB it cost 0.7 ms with
the bytes at hand, and 1.8 ms to read and compare again, where decoding alone takes 36 ms.
"""

import hashlib
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relinkage.embeddings.shards import ANEW, read_shard
from relinkage.errors import InputError
from relinkage.images import UnreadableImageError, read_content
from relinkage.progress import progress, say

DIGESTS = "image_digests"
"""Of a shard: uint8, shape (rows of the cohort, 16), those that were left out among them."""
_LENGTH = 16
_AHEAD = 256

Bytes = NDArray[np.uint8]


def content_digest(content: bytes) -> bytes:
    """Return the digest of an image's bytes, or of the reason why there are none."""
    return hashlib.sha256(content).digest()


def salted(digests: Sequence[bytes], salt: str) -> Bytes:
    """Return digests as a shard keeps them, by which nobody without the cohort can look for an image.

    Args:
        digests: what `content_digest` gives of each image.
        salt: of the cohort.

    Returns:
        uint8, shape (digests, 16).
    """
    kept = b"".join(hashlib.sha256(salt.encode() + digest).digest()[:_LENGTH] for digest in digests)
    return np.frombuffer(kept, np.uint8).reshape(len(digests), _LENGTH)


def check_images(
    shards: Sequence[tuple[Path, NDArray[np.intp]]],
    paths: Sequence[Path],
    root: Path,
    salt: str,
    workers: int,
) -> None:
    """Check that the images of finished shards are those that were embedded.

    Images that cannot be read any more are not compared; how many, is said.

    Args:
        shards: finished image shards, and the rows of the cohort that each was made of.
        paths: the image of each row of the cohort.
        root: the cohort's folder.
        salt: of the cohort.
        workers: threads that read, as for decoding.

    Raises:
        InputError: an image has changed, or a shard holds no digests of its images.
    """
    rows = np.concatenate([np.empty(0, np.intp), *(rows for _, rows in shards)])
    kept = np.concatenate([np.empty((0, _LENGTH), np.uint8), *(_digests(*shard) for shard in shards)])
    changed: list[int] = []
    unread = 0
    found = _read([paths[row] for row in rows], root, workers)
    for row, known, (digest, readable) in zip(rows, kept, found, strict=True):
        if (salted([digest], salt) == known).all():
            continue
        if readable:
            changed.append(int(row))
        else:
            unread += 1
    if changed:
        raise InputError(
            f"{shards[0][0].parent} was made of other images: {len(changed)} of {len(rows)} have changed "
            f"since, the first is that of row {changed[0] + 1} of the cohort; name another folder, or remove "
            "this one."
        )
    if unread:
        say(
            f"Note: {unread} of {len(rows)} images that are embedded cannot be read any more, so they were "
            "not compared."
        )


def _digests(file: Path, rows: NDArray[np.intp]) -> Bytes:
    found = read_shard(file, [DIGESTS]).get(DIGESTS)
    if found is None or found.dtype != np.uint8 or found.shape != (len(rows), _LENGTH):
        raise InputError(f"{file} does not say which images it was made of; {ANEW}.")
    return found


def _read(paths: Sequence[Path], root: Path, workers: int) -> Iterator[tuple[bytes, bool]]:
    """Give the digest of each image, in order, and whether it could be read."""

    def read(path: Path) -> tuple[bytes, bool]:
        try:
            return content_digest(read_content(path, root)), True
        except UnreadableImageError as reason:
            return content_digest(str(reason).encode()), False

    waiting: deque[Future[tuple[bytes, bool]]] = deque()
    with (
        progress(len(paths), "comparing images", "images") as bar,
        ThreadPoolExecutor(workers or min(os.cpu_count() or 1, 16), thread_name_prefix="compare") as pool,
    ):
        for path in paths:
            waiting.append(pool.submit(read, path))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
                bar.update()
        while waiting:
            yield waiting.popleft().result()
            bar.update()
