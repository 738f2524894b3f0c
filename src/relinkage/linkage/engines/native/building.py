"""The shared library of the native engine: where it is found, and how a compiler makes it.

This file needs the standard library alone, as the build of a wheel runs it where nothing is installed.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
FLAGS = ("-O3", "-std=gnu11", "-shared", "-fPIC", "-ffp-contract=off")
"""No -march: what a processor need not have is asked for function by function and chosen when it runs."""


class BuildError(Exception):
    """The library cannot be built here; the message is the reason in a few words."""


def library(flags: tuple[str, ...] = ()) -> Path:
    """Give the library's path: from the installed package, from the user's cache, or built into it now.

    Args:
        flags: further flags for the compiler.

    Raises:
        BuildError: it is nowhere and cannot be built.
    """
    name = library_name(flags)
    for folder in (FOLDER, _cache()):
        if (folder / name).is_file():
            return folder / name
    return build(_cache(), flags)


def library_name(flags: tuple[str, ...] = ()) -> str:
    """Give the file name that sources, flags and the processor's family lead to."""
    digest = hashlib.sha256("\0".join([platform.machine(), *FLAGS, *flags]).encode())
    for source in sorted([*FOLDER.glob("*.c"), *FOLDER.glob("*.h")]):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return f"native-{digest.hexdigest()[:16]}.so"


def build(folder: Path, flags: tuple[str, ...] = ()) -> Path:
    """Compile the library into a folder; it is written whole or not at all.

    Args:
        folder: where to; made where it is missing.
        flags: further flags for the compiler.

    Raises:
        BuildError: there is no compiler, or it fails, or the folder cannot be written to.
    """
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        raise BuildError("there is no C compiler (cc)")
    path = folder / library_name(flags)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            made = Path(temporary) / path.name
            command = [compiler, *FLAGS, *flags, "-o", str(made), *map(str, sorted(FOLDER.glob("*.c")))]
            subprocess.run(command, check=True, capture_output=True, timeout=300)
            os.replace(made, path)
    except OSError as failure:
        raise BuildError(f"{folder} cannot be written to") from failure
    except subprocess.SubprocessError as failure:
        raise BuildError(f"{compiler} does not compile it") from failure
    return path


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path(os.path.expanduser("~")) / ".cache") / "relinkage"
