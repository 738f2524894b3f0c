"""What a stage depends on, as one fingerprint: its inputs, its settings, the code, what other stages made.

A file is known again by its size and time of change, so that a second run need not read it; one that changed
within the last seconds is read again, as a change that follows at once may not show.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import relinkage
from relinkage.files import fingerprint, write_json
from relinkage.plans.plan import Stage
from relinkage.records import Fingerprint

DIGESTS = ".digests.json"
"""Digests that are known, beside the plan's results; it is no result, and may be removed."""
_FRESH = 2.0
"""Seconds within which a further change may leave size and time as they are."""


class Digests:
    """Digests of files, each read once as long as it does not change."""

    def __init__(self, kept: Path) -> None:
        self._kept = kept
        try:
            known = json.loads(kept.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            known = {}
        self._known: dict[str, Any] = known if isinstance(known, dict) else {}
        self._seen: dict[str, list[Any]] = {}

    def of(self, path: Path) -> Fingerprint:
        """Return the digest of a file, or of all files of a folder and their names."""
        return _together(path, self._file)

    def keep(self) -> None:
        """Write down what is known, for the next run."""
        write_json(self._kept, self._seen)

    def _file(self, path: Path) -> Fingerprint:
        state = path.stat()
        key, told = str(path.resolve()), [state.st_size, state.st_mtime_ns]
        known = self._seen.get(key) or self._known.get(key)
        if isinstance(known, list) and known[:2] == told and isinstance(known[-1], str):
            digest = known[-1]
        else:
            digest = _of_file(path)
        if time.time() - state.st_mtime > _FRESH:
            self._seen[key] = [*told, digest]
        return digest


def digest_of(path: Path) -> Fingerprint:
    """Return the digest of a file, or of all files of a folder and their names, read as they are."""
    return _together(path, _of_file)


def _together(path: Path, of_file: Callable[[Path], Fingerprint]) -> Fingerprint:
    if not path.is_dir():
        return of_file(path)
    parts = [
        f"{file.relative_to(path)}\n{of_file(file)}\n"
        for file in sorted(path.rglob("*"))
        if file.is_file() and not file.name.startswith(".")
    ]
    return fingerprint(*(part.encode("utf-8", "surrogateescape") for part in parts))


def _of_file(path: Path) -> Fingerprint:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def stage_key(stage: Stage, digests: Digests, made: Mapping[str, Fingerprint]) -> Fingerprint:
    """Return the key of a stage.

    Args:
        stage: the stage.
        digests: of files.
        made: what the stages that it reads from have made, by name. Their content counts and not how it came
            about: private training gives other heads each time.
    """
    parts = {
        "code": code_version(),
        "command": stage.verb.name,
        "options": dict(stage.told),
        "inputs": [digests.of(path) for path in _read(stage)],
        "stages": [made[name] for name in stage.uses],
    }
    return fingerprint(json.dumps(parts, sort_keys=True).encode())


def _read(stage: Stage) -> Iterator[Path]:
    """Yield what a stage reads; beside the table of a cohort lie its images."""
    cohort = stage.option("cohort")
    for path in stage.inputs:
        yield path.parent if cohort is not None and path.is_file() and str(path) == str(cohort) else path


@cache
def code_version() -> str:
    """Return a fingerprint of the code: the version, and the sources, which change without it."""
    root = Path(relinkage.__file__).parent
    sources = sorted(path for kind in ("*.py", "*.c", "*.toml", "*.j2") for path in root.rglob(kind))
    return fingerprint(relinkage.__version__.encode(), *(path.read_bytes() for path in sources))
