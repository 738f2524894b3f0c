"""WebDataset shards: tar files in which the members of a sample share a key, which begins their names."""

import json
import re
import tarfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import polars as pl

from relinkage.cohorts.readers.free_columns import RESERVED, found_in, texts_of
from relinkage.cohorts.readers.on_disk import Survey, folder_of
from relinkage.cohorts.readers.protocol import LONGEST_REPORT, Format, Found
from relinkage.cohorts.readers.sample_names import by_sample, is_image, repeated
from relinkage.cohorts.readers.settings import ReadOptions
from relinkage.errors import InputError
from relinkage.progress import progress

_SPLIT = re.compile(r"(?:^|[-_./])(train|validation|validate|valid|val|dev|test)(?:[-_./]|$)", re.IGNORECASE)
_UNSAFE = re.compile(r"(^|[/\\])\.\.([/\\]|$)|^[/\\~]|::")
_TEXTS = (".txt", ".json")
TOO_LONG, NO_JSON = "the report is longer than 1 MB", "the JSON of the sample cannot be read"
REPEATED = "a member of the sample stands in its shard twice"
NO_IMAGE, UNSAFE = "samples without an image", "members with an unsafe name"


def fits(tree: Survey) -> bool:
    """Whether there are tar files."""
    return bool(tree.named(r"[^.].*\.tar"))


def read(tree: Survey, options: ReadOptions) -> Found:
    """Read shards: an image (`.jpg`, `.png`), its text (`.txt`) and what a `.json` says of it.

    The keys of the JSON stand beside `txt` as columns of the data set. An image is named `SHARD::MEMBER`;
    several of one sample are images of one study.

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
    count = 0
    with progress(len(shards), "shards", "shards") as bar:
        for shard in shards:
            name = f"{folder_of(root, shard.parent)}{shard.name}"
            match = _SPLIT.search(shard.relative_to(tree.base).as_posix())
            split = match[1].lower() if match else None
            for key, sample in _samples(shard, found).items():
                count += 1
                if not sample.images:
                    found.dropped[NO_IMAGE] += 1
                key = f"{name.removesuffix('.tar').replace('/', '-')}-{key}"
                for member, suffix in sample.images.items():
                    own = key if len(sample.images) == 1 else f"{key}.{suffix.rpartition('.')[0]}"
                    told = {"image": f"{name}::{member}", "key": own, "row_of": key, "split_of": split}
                    rows.append(sample.told | told)
            bar.update(1)
    found.read = {"shards": len(shards), "samples": count}
    if not rows:
        raise InputError(f"{tree.asked} holds no sample with an image; check the shards.")
    columns = dict.fromkeys(key for row in rows for key in row)
    return found_in(pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String)), found, options)


@dataclass
class _Member:
    """A member of a shard that a sample may be made of; `content` where it is a text or JSON."""

    name: str
    content: bytes | None = None
    trouble: str | None = None


@dataclass
class _Sample:
    """A sample: what follows its key in the names of its images, and what its texts say."""

    images: dict[str, str] = field(default_factory=dict)
    told: dict[str, str | None] = field(default_factory=dict)


def _samples(shard: Path, found: Found) -> dict[str, _Sample]:
    """Read the samples of one shard, in the order of the file."""
    members = _members(shard, found)
    named = by_sample([str(PurePosixPath(member.name)) for member in members])
    samples: dict[str, _Sample] = {}
    for member, (key, suffix) in zip(members, named, strict=True):
        sample = samples.setdefault(key, _Sample())
        if is_image(member.name):
            sample.images[member.name] = suffix
        else:
            _take(sample.told, suffix.lower(), member)
    for key in repeated(named):
        samples[key].told["trouble"] = REPEATED
    return samples


def _members(shard: Path, found: Found) -> list[_Member]:
    """List the images, texts and JSON files of a shard."""
    listed: list[_Member] = []
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
                if PurePosixPath(member.name).name.startswith("."):
                    continue  # hidden files, such as those macOS leaves
                if is_image(member.name):
                    listed.append(_Member(member.name))
                elif member.name.lower().endswith(_TEXTS):
                    listed.append(_text(member, members))
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError) as error:
        raise InputError(
            f"{shard} cannot be read as a tar ({type(error).__name__}); unpack it where it is compressed, "
            "or check the file."
        ) from None
    return listed


def _text(member: tarfile.TarInfo, members: tarfile.TarFile) -> _Member:
    if member.size > LONGEST_REPORT:
        return _Member(member.name, trouble=TOO_LONG)
    opened = members.extractfile(member)
    return _Member(member.name, b"" if opened is None else opened.read())


def _take(told: dict[str, str | None], suffix: str, member: _Member) -> None:
    """Add what a text or JSON file says."""
    if member.content is None:
        told.setdefault("trouble", member.trouble)
    elif suffix.endswith("txt"):
        name = suffix.removesuffix("txt").removesuffix(".")  # key.findings.txt is a column `findings`
        told["txt" if name in ("txt", "", *RESERVED) else name] = _decoded(member.content)
    else:
        try:
            values = json.loads(_decoded(member.content))
        except (ValueError, RecursionError):
            told.setdefault("trouble", NO_JSON)
            return
        if isinstance(values, dict):
            told |= texts_of(values)


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


WEBDATASET = Format("webdataset", "WebDataset", ".tar shards", fits, read)
