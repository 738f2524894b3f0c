"""A folder that is being written: whose run it is, and whether that run may go on there."""

import contextlib
import json
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from relinkage.embeddings.folder import MANIFEST, PROGRESS
from relinkage.errors import InputError
from relinkage.files import PARTIAL, read_json, write_json

_PACKAGES = ("relinkage", "torch", "numpy", "pillow", "pydicom", "transformers", "scikit-learn")
_STRAYS = f".*{PARTIAL}-*"


def versions() -> dict[str, str]:
    """Give the versions of the packages that features depend on, of those that are installed."""
    found = {}
    for package in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def prepare(out: Path, beginning: dict[str, Any]) -> bool:
    """Make `out` ready for a run, or recognise that it is the same run's, begun or finished.

    Args:
        out: the folder.
        beginning: the part of the manifest that is known before anything is encoded.

    Returns:
        Whether the run is finished already.

    Raises:
        InputError: `out` cannot be written, or holds another run or anything else.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; name a folder to write to.")
    try:
        if (out / MANIFEST).exists():
            _check_same(out, read_json(out / MANIFEST, "an embeddings manifest"), beginning, finished=True)
            (out / PROGRESS).unlink(missing_ok=True)
            return True
        if (out / PROGRESS).exists():
            _check_same(out, read_json(out / PROGRESS, "a record of progress"), beginning, finished=False)
        elif out.is_dir() and set(out.iterdir()) - set(out.glob(_STRAYS)):
            raise InputError(
                f"{out} holds files that relinkage did not write; name a new or an empty folder."
            )
        out.mkdir(parents=True, exist_ok=True)
        for stray in out.glob(_STRAYS):  # what a killed run was writing
            stray.unlink()
        write_json(out / PROGRESS, beginning)
    except OSError as error:
        raise InputError(
            f"{out} cannot be written ({error.strerror or type(error).__name__}); name a folder that can."
        ) from None
    return False


def discard(out: Path) -> None:
    """Remove what a run that cannot succeed has written to its folder, and the folder."""
    for file in out.iterdir():
        file.unlink()
    with contextlib.suppress(OSError):
        out.rmdir()


def as_json(value: Any) -> Any:
    """Give dataclasses and tuples the form in which JSON gives them back, so that the two compare."""
    return json.loads(json.dumps(value, default=asdict))


def _check_same(out: Path, found: dict[str, Any], beginning: dict[str, Any], *, finished: bool) -> None:
    """Refuse another run's folder. A finished one may come from other versions, as its manifest says."""
    differing = [
        key
        for key in beginning
        if not (finished and key == "versions") and _identity(found, key) != _identity(beginning, key)
    ]
    if differing:
        raise InputError(
            f"{out} belongs to another run (it differs in: {', '.join(differing)}); name another folder, or "
            "remove this one."
        )


def _identity(document: dict[str, Any], key: str) -> Any:
    """Names do not tell runs apart: a model's folder or a cohort's file may have been moved.

    Nor does what was not asked for, which older folders do not name.
    """
    value = document.get(key)
    if not isinstance(value, dict):
        return value
    return {k: v for k, v in value.items() if k not in ("id", "name") and v is not None}
