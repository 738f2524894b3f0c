"""WebDataset shards: tar files in which the members of one sample share the name up to the first dot."""

import json
import re
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from relinkage.cohorts.readers.free_columns import found_in
from relinkage.cohorts.readers.on_disk import IMAGE_SUFFIXES, Survey, folder_of
from relinkage.cohorts.readers.protocol import LONGEST_REPORT, Format, Found
from relinkage.cohorts.readers.settings import ReadOptions
from relinkage.errors import InputError
from relinkage.progress import progress

_SPLIT = re.compile(r"(?:^|[-_./])(train|validation|validate|valid|val|dev|test)(?:[-_./]|$)", re.IGNORECASE)
_UNSAFE = re.compile(r"(^|[/\\])\.\.([/\\]|$)|^[/\\~]|::")
_IMAGES = tuple(suffix[1:] for suffix in IMAGE_SUFFIXES)
_RESERVED = ("image", "key", "split_of", "trouble")
TOO_LONG, NO_JSON = "the report is longer than 1 MB", "the JSON of the sample cannot be read"
NO_IMAGE, FURTHER, UNSAFE = (
    "samples without an image", "further images of a sample", "members with an unsafe name"
)  # fmt: skip


def fits(tree: Survey) -> bool:
    """Whether there are tar files."""
    return bool(tree.named(r"[^.].*\.tar"))


def read(tree: Survey, options: ReadOptions) -> Found:
    """Read shards: an image (`.jpg`, `.png`), its text (`.txt`) and what a `.json` says of it.

    The keys of the JSON stand beside `txt` as columns of the data set. An image is named `SHARD::MEMBER`.

    Args:
        tree: the survey of the folder, or one shard.
        options: how it is read; `section` names `txt` or keys of the JSON.

    Raises:
        InputError: a shard cannot be read as a tar without compression, or no sample has an image or a text.
    """
    options.refuse("webdataset", "image_column", "patients", "reports", "labels")
    root = options.root or tree.base
    found = Found(pl.DataFrame(), root, listed=False)
    shards = sorted(tree.named(r"[^.].*\.tar"))
    rows: list[dict[str, str | None]] = []
    with progress(len(shards), "shards", "shards") as bar:
        for shard in shards:
            name = f"{folder_of(root, shard.parent)}{shard.name}"
            match = _SPLIT.search(shard.relative_to(tree.base).as_posix())
            split = match[1].lower() if match else None
            for key, sample in _samples(shard, found).items():
                if "image" not in sample:
                    found.dropped[NO_IMAGE] += 1
                    continue
                sample["image"] = f"{name}::{sample['image']}"
                sample["key"] = f"{name.removesuffix('.tar').replace('/', '-')}-{key}"
                sample["split_of"] = split
                rows.append(sample)
            bar.update(1)
    found.read = {"shards": len(shards), "samples": len(rows) + found.dropped[NO_IMAGE]}
    if not rows:
        raise InputError(f"{tree.asked} holds no sample with an image; check the shards.")
    columns = dict.fromkeys(key for row in rows for key in row)
    return found_in(pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String)), found, options)


def _samples(shard: Path, found: Found) -> dict[str, dict[str, str | None]]:
    """Read one shard, member by member, in the order of the file."""
    samples: dict[str, dict[str, str | None]] = {}
    try:
        with tarfile.open(shard, "r:") as members:
            reached = -1
            while (member := members.next()) is not None:
                if member.offset <= reached or member.size < 0:  # damage can lead back, and round for ever
                    raise tarfile.ReadError
                reached = member.offset
                vars(members)["members"] = []  # else the headers of the whole shard stay in memory
                if not member.isreg() or member.issparse():
                    continue
                if _UNSAFE.search(member.name) or not member.name.isprintable():
                    found.dropped[UNSAFE] += 1
                    continue
                folder, _, name = member.name.rpartition("/")
                key, _, suffix = name.partition(".")
                if not key:
                    continue  # hidden files, such as those macOS leaves
                sample = samples.setdefault(f"{folder}/{key}".lstrip("./"), {})
                if suffix.lower().endswith(_IMAGES) and "image" in sample:
                    found.dropped[FURTHER] += 1
                else:
                    _take(sample, f".{suffix.lower()}", member, members)
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError) as error:
        raise InputError(
            f"{shard} cannot be read as a tar ({type(error).__name__}); unpack it where it is compressed, "
            "or check the file."
        ) from None
    return samples


def _take(
    sample: dict[str, str | None], suffix: str, member: tarfile.TarInfo, members: tarfile.TarFile
) -> None:
    """Add one member to its sample."""
    if suffix.endswith(_IMAGES):
        sample["image"] = member.name
    elif suffix.endswith((".txt", ".json")):
        if member.size > LONGEST_REPORT:
            sample["trouble"] = TOO_LONG
            return
        opened = members.extractfile(member)
        content = b"" if opened is None else opened.read()
        if suffix.endswith(".txt"):
            name = suffix[1:].removesuffix(".txt").lower()  # key.findings.txt is a column `findings`
            sample["txt" if name in ("txt", "", *_RESERVED) else name] = _decoded(content)
            return
        try:
            told = json.loads(_decoded(content))
        except (ValueError, RecursionError):
            sample["trouble"] = NO_JSON
            return
        if isinstance(told, dict):
            sample |= _texts(told)


def _texts(told: Mapping[str, Any]) -> dict[str, str | None]:
    """Keep the texts, numbers and truth values of a JSON object, as strings."""
    values: dict[str, str | None] = {}
    for key, value in told.items():
        if key in _RESERVED or not key.isprintable():
            continue
        if isinstance(value, bool):
            values[key] = str(int(value))
        elif isinstance(value, (str, int, float)):
            values[key] = str(value).encode("utf-8", "replace").decode()
    return values


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


WEBDATASET = Format("webdataset", "WebDataset", ".tar shards", fits, read)
