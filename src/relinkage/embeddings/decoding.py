"""Images decoded ahead in threads, DICOM in processes, so that the encoder does not wait for files."""

import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL.Image import Image

from relinkage.embeddings.image_digests import content_digest
from relinkage.images import DecodingApart, UnreadableImageError, read_content

AHEAD = 2
"""Batches that are decoded while the encoder works on one; more would only cost memory."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """What came of an image file.

    Attributes:
        pixels: the preprocessed image, or why it cannot be used.
        digest: of its bytes; of the reason, where they cannot be read.
    """

    pixels: torch.Tensor | str
    digest: bytes


def decode_ahead(
    batches: Sequence[Sequence[Path]],
    root: Path,
    preprocess: Callable[[Image], torch.Tensor],
    workers: int,
) -> Generator[list[Decoded], None, None]:
    """Open and preprocess images, batch by batch, in order.

    Args:
        batches: the image files, or references into containers, of each batch.
        root: the cohort's folder, which the files must lie in.
        preprocess: what makes pixels of an opened image; called from threads.
        workers: threads; 0 for one per core, at most 16.

    Yields:
        For each batch, what came of every image.
    """

    def decode(path: Path) -> Decoded:
        try:
            content = read_content(path, root)
        except UnreadableImageError as reason:
            return Decoded(str(reason), content_digest(str(reason).encode()))
        digest = content_digest(content)
        try:
            return Decoded(preprocess(apart.decode(content)), digest)
        except UnreadableImageError as reason:
            return Decoded(str(reason), digest)

    apart = DecodingApart()
    pool = ThreadPoolExecutor(workers or min(os.cpu_count() or 1, 16), thread_name_prefix="decode")
    waiting: deque[list[Future[Decoded]]] = deque()
    try:
        for batch in batches:
            waiting.append([pool.submit(decode, path) for path in batch])
            if len(waiting) > AHEAD:
                yield [future.result() for future in waiting.popleft()]
        while waiting:
            yield [future.result() for future in waiting.popleft()]
    finally:
        pool.shutdown(cancel_futures=True)
        apart.close()
