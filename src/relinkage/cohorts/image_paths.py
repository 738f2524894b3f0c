"""The paths of images: relative to the cohort's folder, and never out of it."""

from pathlib import Path, PurePosixPath, PureWindowsPath

import polars as pl

from relinkage.errors import InputError

ABSOLUTE = r"^[/\\~]|^[A-Za-z]:"
_SUSPECT = rf"(^|[/\\])\.\.([/\\]|$)|{ABSOLUTE}"


def below_root(images: pl.Series, root: Path) -> pl.Series:
    """Return image paths relative to the root where they are absolute and lie below it; others stay.

    Args:
        images: paths, or references into containers.
        root: the folder that images lie in, as it was named or with its links followed.
    """
    for folder in (root.absolute(), root.resolve()):
        prefix = folder.as_posix().rstrip("/") + "/"
        images = images.str.strip_prefix(prefix)
    return images


def check_image_paths(images: pl.Series, source: str) -> None:
    """Check that no image lies outside of the cohort's folder.

    Args:
        images: paths relative to it.
        source: how messages name the table.

    Raises:
        InputError: one does.
    """
    for row in images.str.contains(_SUSPECT).arg_true():
        if _leaves(images[int(row)]):
            raise InputError(
                f"{source} row {int(row) + 1} has an image path that leaves the cohort's folder; "
                "give paths below it, or name the folder that all images lie in with --root."
            )


def _leaves(path: str) -> bool:
    if path.startswith("~") or PurePosixPath(path).is_absolute() or PureWindowsPath(path).drive:
        return True
    depth = 0
    for part in path.replace("\\", "/").split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return True
    return path.startswith("\\")
