"""Batches through an encoder: in this process, or as tasks of Ray on all cores or a cluster.

Batches come back in the order in which they were given, whoever worked them out.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from relinkage.cluster import Held, connect
from relinkage.embeddings.decoding import Decoded, decode_ahead
from relinkage.embeddings.features import checked, checked_images
from relinkage.encoders import Encoder
from relinkage.encoders.protocol import TextFeatures
from relinkage.errors import InputError
from relinkage.threads import set_torch_threads

_AHEAD = 2
"""Batches for each core that wait at workers, so that none is idle."""


@dataclass(frozen=True)
class ImageBatch:
    """What came of a batch of image files.

    Attributes:
        features: float32, a row for each usable image; None where none is.
        unusable: why, by place in the batch.
        digests: of every file's bytes, in order.
    """

    features: NDArray[np.float32] | None
    unusable: dict[int, str]
    digests: list[bytes]


class Batches(Protocol):
    """Who puts batches through an encoder."""

    def images(self, batches: Sequence[Sequence[Path]], root: Path) -> Generator[ImageBatch, None, None]:
        """Decode and encode image files, batch by batch, in order."""
        ...

    def texts(self, batches: Sequence[Sequence[str]]) -> Generator[TextFeatures, None, None]:
        """Encode reports, batch by batch, in order."""
        ...


@dataclass(frozen=True)
class Here:
    """Batches in this process, images decoded ahead.

    Attributes:
        encoder: the encoder.
        workers: threads that decode; see `decode_ahead`.
    """

    encoder: Encoder
    workers: int = 0

    def images(self, batches: Sequence[Sequence[Path]], root: Path) -> Generator[ImageBatch, None, None]:
        """See `Batches.images`."""
        with closing(decode_ahead(batches, root, self.encoder.preprocess, self.workers)) as decoded:
            for images in decoded:
                yield _encode_images(self.encoder, images)

    def texts(self, batches: Sequence[Sequence[str]]) -> Generator[TextFeatures, None, None]:
        """See `Batches.texts`."""
        for batch in batches:
            yield encode_texts(self.encoder, batch)


@dataclass(frozen=True)
class OverRay:
    """Batches as tasks of Ray; every worker gets the encoder once.

    Attributes:
        encoder: the encoder.
        address: `ray` or `ray://HOST:PORT`; image files must lie under the same path on every machine.
    """

    encoder: Encoder
    address: str = "ray"

    def images(self, batches: Sequence[Sequence[Path]], root: Path) -> Generator[ImageBatch, None, None]:
        """See `Batches.images`."""
        whole = root.resolve()
        return self._map(image_task, ((list(batch), whole) for batch in batches))

    def texts(self, batches: Sequence[Sequence[str]]) -> Generator[TextFeatures, None, None]:
        """See `Batches.texts`."""
        return self._map(text_task, ((list(batch),) for batch in batches))

    def _map(
        self, work: Callable[..., Any], batches: Iterable[tuple[Any, ...]]
    ) -> Generator[Any, None, None]:
        ray = connect(self.address)
        gpus = int(self.encoder.card.device == "cuda")
        room = max(_AHEAD * (ray.gpus if gpus else ray.cores), 2)
        waiting: deque[int] = deque()
        encoder: list[Held] = []
        try:
            encoder.append(ray.put(self.encoder))  # in a list Ray hands it on as a reference
            for batch in batches:
                waiting.append(ray.submit(work, encoder, *batch, gpus=gpus))
                if len(waiting) >= room:
                    yield ray.wait([waiting.popleft()])[1]
            while waiting:
                yield ray.wait([waiting.popleft()])[1]
        except TypeError:  # what pickle says of what it cannot pack
            raise InputError(
                f"The encoder cannot be sent to the workers of --engine {self.address}; embed without it."
            ) from None
        finally:
            ray.cancel(waiting)
            for held in encoder:
                ray.forget(held)


def over(engine: str, encoder: Encoder, workers: int) -> Batches:
    """Say who puts batches through an encoder.

    Args:
        engine: `auto` or `cpu` for this process; `ray` or `ray://HOST:PORT`.
        encoder: the encoder.
        workers: threads that decode in this process.

    Raises:
        InputError: there is no engine of that name, or Ray is not installed or cannot be reached.
    """
    if engine in ("auto", "cpu"):
        return Here(encoder, workers)
    if engine == "ray" or engine.startswith("ray://"):
        connect(engine)
        return OverRay(encoder, engine)
    raise InputError(f"--engine {engine} is not known; give auto, ray or ray://HOST:PORT.")


def image_task(encoder: list[Any], batch: Sequence[Path], root: Path) -> ImageBatch:
    """Decode and encode a batch of image files where a worker runs."""
    own = _own(encoder[0])
    with closing(decode_ahead([batch], root, own.preprocess, 1)) as decoded:
        return _encode_images(own, next(decoded))


def text_task(encoder: list[Any], batch: Sequence[str]) -> TextFeatures:
    """Encode a batch of reports where a worker runs."""
    return encode_texts(_own(encoder[0]), batch)


_kept: dict[str, Encoder] = {}


def _own(reference: Any) -> Encoder:
    """Give this worker's encoder, fetched when it is first asked for."""
    import ray

    key = reference.hex()
    if key not in _kept:
        set_torch_threads(1)
        _kept.clear()
        _kept[key] = ray.get(reference)
    return _kept[key]


def _encode_images(encoder: Encoder, images: Sequence[Decoded]) -> ImageBatch:
    unusable = {place: image.pixels for place, image in enumerate(images) if isinstance(image.pixels, str)}
    pixels = [image.pixels for image in images if not isinstance(image.pixels, str)]
    digests = [image.digest for image in images]
    if not pixels:
        return ImageBatch(None, unusable, digests)
    part = encoder.encode_images(torch.stack(pixels))
    return ImageBatch(checked_images(part, len(pixels), encoder), unusable, digests)


def encode_texts(encoder: Encoder, batch: Sequence[str]) -> TextFeatures:
    """Encode a batch of reports and check what came of it."""
    part = encoder.encode_texts(batch)
    return replace(part, features=checked(part.features, len(batch), encoder.card.text_features, encoder))
