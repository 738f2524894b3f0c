"""What lies beside a file or folder while it is written, and what becomes of it where the writer died."""

import ctypes
import os
import platform
import shutil
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PARTIAL = ".partial"
_AT_HERE, _EXCHANGE = -100, 2
"""Of renameat2(2): paths are as they are written, and both names change places."""


def temporary_beside(path: Path, suffix: str = "") -> Path:
    """Return where `path` is written first: its name tells the process, and the machine that this runs on.

    Args:
        path: what will be written.
        suffix: what the name ends in, which some writers go by.
    """
    return path.with_name(f"{_beginning(path)}{os.getpid()}{suffix}")


def tidy(path: Path) -> None:
    """Remove what processes of this machine left beside `path` when they died; put back what they moved."""
    beginning = _beginning(path)
    for left in path.parent.glob("*") if path.parent.is_dir() else ():
        number = left.name.removeprefix(beginning).partition(".")[0].partition("-")[0]
        if not left.name.startswith(beginning) or not number.isdecimal() or _lives(int(number)):
            continue
        if left.name.endswith("-replaced") and not path.exists():
            os.replace(left, path)
        elif left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def discard(*paths: Path) -> None:
    """Remove files and folders that are there; an interrupt waits until they are gone."""
    try:
        _remove(paths)
    except KeyboardInterrupt:  # no second one comes: `__main__` lets one through
        _remove(paths)
        raise


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def exchange(first: Path, second: Path) -> bool:
    """Let two paths change places in one step; return whether this system can (Linux can)."""
    rename = _renameat2()
    if rename is None:
        return False
    return rename(_AT_HERE, os.fsencode(first), _AT_HERE, os.fsencode(second), _EXCHANGE) == 0


def _beginning(path: Path) -> str:
    machine = "".join(sign if sign.isalnum() else "_" for sign in platform.node())[:40]
    return f".{path.name}{PARTIAL}-{machine}-"


def _lives(process: int) -> bool:
    if sys.platform == "win32":
        return True  # signal 0 would end it there
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OverflowError:
        return False
    except PermissionError:
        return True
    return True


@cache
def _renameat2() -> "ctypes._NamedFuncPointer | None":
    if sys.platform != "linux":
        return None
    try:
        return ctypes.CDLL(None).renameat2
    except (OSError, AttributeError):
        return None
