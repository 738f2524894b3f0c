"""Which members of a WebDataset shard belong to one sample: the key that they share, by their names alone."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence

from relinkage.cohorts.readers.on_disk import IMAGE_SUFFIXES

Named = tuple[str, str]
"""The key of a sample, with its folder, and what of the name follows: `a/0001` and `findings.txt`."""


def by_sample(names: Sequence[str]) -> list[Named]:
    """Part the names of a shard's members into the keys of their samples and what follows.

    A key ends at the first dot, as WebDataset has it. Where names hold dots in their keys, such as the unique
    identifiers of DICOM (`1.2.826.0.7.png`) or versions (`scan_v1.0.png`), that would make one sample of
    many. So in a shard whose images and texts have numbers behind a dot, keys end after the last number; and
    in one where several images of a key have texts of their very names, at the last dot.

    Args:
        names: of images, texts and JSON files, with forward slashes.
    """
    images = {name for name in names if is_image(name)}
    texts = set(names) - images
    if all(any(_numbered(name) != _first(name) for name in some) for some in (images, texts)):
        return [_numbered(name) for name in names]
    stems = {_last(name)[0] for name in texts}
    own = Counter(_first(name)[0] for name in images if _last(name)[0] in stems)
    part = _last if any(count > 1 for count in own.values()) else _first
    return [part(name) for name in names]


def repeated(named: Collection[Named]) -> set[str]:
    """Return the keys of which a member stands twice: nothing tells which image belongs to which text."""
    return {key for (key, _), count in Counter(named).items() if count > 1}


def is_image(name: str) -> bool:
    """Return whether a member is an image by its name."""
    return name.lower().endswith(IMAGE_SUFFIXES)


def _parted(name: str, end: Callable[[list[str]], int]) -> Named:
    """Part a name into a key of as many of its parts between dots as `end` says, and the others."""
    folder, slash, own = name.rpartition("/")
    parts = own.split(".")
    count = end(parts)
    return f"{folder}{slash}{'.'.join(parts[:count])}", ".".join(parts[count:])


def _first(name: str) -> Named:
    return _parted(name, lambda _: 1)


def _last(name: str) -> Named:
    return _parted(name, lambda parts: max(len(parts) - 1, 1))


def _numbered(name: str) -> Named:
    """Part a name after the last part that is a number; the suffix is none."""
    return _parted(
        name, lambda parts: max((i + 1 for i in range(1, len(parts) - 1) if parts[i].isdigit()), default=1)
    )
