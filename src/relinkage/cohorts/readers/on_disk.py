"""What lies in a folder: a survey that is cheap on a tree of 400,000 images, and which images are there."""

import os
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from relinkage.errors import InputError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".dcm")
DEPTH, MOST_FOLDERS = 4, 2000
_MANY = re.compile(r"^(p\d+|s\d+|patient\d+|study\d+|\..*|__MACOSX)$")
"""Folders of one patient or study, which a survey does not enter, and hidden ones."""
_SUFFIX = r"\.[A-Za-z]{3,4}$"


@dataclass(frozen=True)
class Survey:
    """The files and folders at the top of a tree.

    Attributes:
        asked: the path that was asked for, a folder or a file.
        base: the folder that was surveyed.
        files: every file found, nearest first.
        folders: every folder seen, whether or not it was entered, nearest first.
    """

    asked: Path
    base: Path
    files: tuple[Path, ...]
    folders: tuple[Path, ...]

    def named(self, pattern: str) -> list[Path]:
        """Give the files whose whole name matches a regular expression (any case), nearest first."""
        wanted = re.compile(pattern, re.IGNORECASE)
        return [file for file in self.files if wanted.fullmatch(file.name)]

    def first(self, pattern: str, name: str) -> Path:
        """Give the nearest file whose whole name matches.

        Raises:
            InputError: there is none; the message calls it `name`.
        """
        found = self.named(pattern)
        if not found:
            raise InputError(f"{self.asked} holds no {name}; name the folder that holds it.")
        return found[0]

    def holding(self, pattern: str) -> list[Path]:
        """Give the folders that hold a folder whose whole name matches, nearest first."""
        wanted = re.compile(pattern, re.IGNORECASE)
        return list(dict.fromkeys(each.parent for each in self.folders if wanted.fullmatch(each.name)))


def survey(path: Path) -> Survey:
    """Look at the top of a tree, without entering the folders of single patients and studies.

    Args:
        path: a folder, or a file (which alone is looked at).

    Raises:
        InputError: there is nothing at `path`.
    """
    if path.is_file():
        return Survey(path, path.parent, (path,), ())
    if not path.is_dir():
        raise InputError(f"{path} does not exist; name a cohort's table or folder.")
    files: list[Path] = []
    folders: list[Path] = []
    level = [path]
    for _ in range(DEPTH):
        below: list[Path] = []
        for folder in level:
            names, inner = _listed(folder)
            files += [folder / name for name in names]
            folders += [folder / name for name in inner]
            below += [folder / name for name in inner if not _MANY.match(name)]
        level = below[: max(MOST_FOLDERS - len(folders), 0)]
    return Survey(path, path, tuple(files), tuple(folders))


def _listed(folder: Path) -> tuple[list[str], list[str]]:
    """List a folder: names of files and of folders, sorted; nothing where it cannot be listed."""
    files: list[str] = []
    folders: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    entry.name.encode()
                    (folders if entry.is_dir() else files).append(entry.name)
                except (OSError, UnicodeEncodeError):
                    continue  # a name that is no text cannot stand in a table
    except (OSError, ValueError):
        return [], []
    return sorted(files), sorted(folders)


def folder_of(root: Path, folder: Path) -> str:
    """Give a folder below `root` as a prefix of image paths: empty, or ending in a slash.

    Raises:
        InputError: it does not lie below `root`.
    """
    try:
        inside = folder.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        raise InputError(f"{folder} does not lie below {root}; name a root that holds it.") from None
    return "" if inside == "." else f"{inside}/"


def places_of(tree: Survey, root: Path, images: Iterable[str]) -> tuple[str, ...]:
    """Give the folders that image paths may be relative to: those that hold what the paths begin with.

    Args:
        tree: the survey of the root.
        root: the folder that holds everything.
        images: paths with forward slashes.

    Returns:
        Prefixes of image paths, nearest first.
    """
    first = {image.removeprefix("./").partition("/")[0] for image in images}
    holders = dict.fromkeys(each.parent for each in (*tree.folders, *tree.files) if each.name in first)
    base = root.resolve()
    return tuple(folder_of(root, each) for each in holders if each.resolve().is_relative_to(base))


def locate(root: Path, images: pl.Series, places: Sequence[str]) -> tuple[pl.Series, int]:
    """Find image files by listing the folders that should hold them; a suffix may differ (.jpg for .png).

    Args:
        root: the folder that holds everything.
        images: paths relative to one of `places`, with forward slashes; nulls stay null.
        places: prefixes of the paths, tried in order.

    Returns:
        The paths relative to `root`, null where no file is there; and how many image files lie in the
        same folders and belong to none of the paths.
    """
    left = pl.DataFrame({"row": range(len(images)), "image": images}, schema={"row": int, "image": str})
    found: list[pl.DataFrame] = []
    others = 0
    for place in places:
        asked = left.drop_nulls("image").with_columns(
            path=place + pl.col("image"),
        )
        asked = asked.with_columns(key=pl.col("path").str.replace(_SUFFIX, ""))
        there = _files(root, asked["path"].str.replace(r"[^/]*$", "").unique(maintain_order=True))
        # Where several suffixes are there, the one asked for goes first.
        hits = asked.join(there, on="key").with_columns(same=pl.col("path") == pl.col("file"))
        hits = hits.filter(pl.col("same") | pl.col("image_suffix"))
        hits = hits.sort("row", "same", "file", descending=[False, True, False]).unique(
            "row", keep="first", maintain_order=True
        )
        others += len(there.filter("image_suffix").unique("key").join(asked, on="key", how="anti"))
        found.append(hits.select("row", "file"))
        left = left.join(hits, on="row", how="anti")
        if left["image"].null_count() == len(left):
            break
    rows = pl.DataFrame({"row": range(len(images))}, schema={"row": int})
    return rows.join(pl.concat(found), on="row", how="left", maintain_order="left")["file"], others


def _files(root: Path, folders: Iterable[str]) -> pl.DataFrame:
    """List files: `file`, relative to `root`, `key`, the same without its suffix, and `image_suffix`."""
    base = f"{root}/"

    def within(folder: str) -> list[str]:
        try:
            return [folder + name for name in os.listdir(base + folder) if name.isprintable()]
        except (OSError, ValueError):
            return []

    with ThreadPoolExecutor(16, thread_name_prefix="list") as pool:
        names = [name for part in pool.map(within, folders, chunksize=256) for name in part]
    table = pl.DataFrame({"file": names}, schema={"file": pl.String})
    suffixed = pl.col("file").str.to_lowercase()
    return table.with_columns(
        key=pl.col("file").str.replace(_SUFFIX, ""),
        image_suffix=pl.any_horizontal(suffixed.str.ends_with(suffix) for suffix in IMAGE_SUFFIXES),
    )
