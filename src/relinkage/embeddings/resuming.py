"""A folder that is being written: whose run it is, and whether that run may go on there."""

import contextlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from relinkage.embeddings.manifest import HEADS, LEFT_OUT, MANIFEST, PAIRS, PROGRESS, Beginning, Manifest
from relinkage.errors import InputError
from relinkage.leftovers import PARTIAL
from relinkage.records import plain, read_record, write_record

_PACKAGES = ("relinkage", "torch", "numpy", "pillow", "pydicom", "transformers", "scikit-learn")
_STRAYS = f".*{PARTIAL}-*"
_ELSEWHERE = "name another folder, or remove this one"


def versions() -> dict[str, str]:
    """Give the versions of the packages that features depend on, of those that are installed."""
    found = {}
    for package in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def check_place(out: Path) -> None:
    """Check, before any work is done, that a pass may begin or go on at `out`.

    Raises:
        InputError: `out` is a file or below one, or holds anything but embeddings.
    """
    for place in (out, *out.parents):
        if place.exists() and not place.is_dir():
            raise InputError(f"{place} is a file; name a folder to write to.")
    begun = any((out / name).exists() for name in (MANIFEST, PROGRESS))
    if not begun and out.is_dir() and set(out.iterdir()) - set(out.glob(_STRAYS)):
        raise InputError(f"{out} holds files that relinkage did not write; name a new or an empty folder.")


def prepare(out: Path, beginning: Beginning) -> bool:
    """Make `out` ready for a run, or recognise that it is the same run's, begun or finished.

    Args:
        out: the folder.
        beginning: the part of the manifest that is known before anything is encoded.

    Returns:
        Whether the run is finished already.

    Raises:
        InputError: `out` cannot be written, or holds another run or anything else.
    """
    check_place(out)
    try:
        if (out / MANIFEST).exists():
            finished = read_record(out / MANIFEST, Manifest, "the manifest of embeddings", _ELSEWHERE)
            _check_same(out, finished, beginning)
            (out / PROGRESS).unlink(missing_ok=True)
            return True
        if (out / PROGRESS).exists():
            begun = read_record(out / PROGRESS, Beginning, "the progress of an embedding pass", _ELSEWHERE)
            _check_same(out, begun, beginning)
        out.mkdir(parents=True, exist_ok=True)
        for stray in out.glob(_STRAYS):  # what a killed run was writing
            stray.unlink()
        write_record(out / PROGRESS, beginning)
    except OSError as error:
        raise InputError(
            f"{out} cannot be written ({error.strerror or type(error).__name__}); name a folder that can."
        ) from None
    return False


def discard(out: Path) -> None:
    """Remove what a run that cannot succeed has written, and its folder where nothing else is there."""
    shards = "image-*.safetensors", "text-*.safetensors"
    for pattern in (MANIFEST, PROGRESS, PAIRS, HEADS, LEFT_OUT, *shards, _STRAYS):
        for file in out.glob(pattern):
            file.unlink()
    with contextlib.suppress(OSError):
        out.rmdir()


def _check_same(out: Path, found: Beginning, beginning: Beginning) -> None:
    """Refuse another run's folder. A finished one may come from other versions, as its manifest says."""
    differing = [
        name
        for name in Beginning.__struct_fields__
        if not (name == "versions" and isinstance(found, Manifest))
        and _identity(getattr(found, name)) != _identity(getattr(beginning, name))
    ]
    if differing:
        raise InputError(
            f"{out} belongs to another run (it differs in: {', '.join(differing)}); name another folder, or "
            "remove this one."
        )


def _identity(value: Any) -> Any:
    """Names do not tell runs apart: a model's folder or a cohort's file may have been moved."""
    told = plain(value)
    return {k: v for k, v in told.items() if k not in ("id", "name")} if isinstance(told, dict) else told
