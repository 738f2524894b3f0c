"""What a stage depends on, as one fingerprint: its inputs, its settings, the code, the stages it reads from.

A file is known again by its size and time of change, so that a second run need not read it; one that changed
within the last seconds is read again, as a change that follows at once may not show.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import relinkage
from relinkage.files import fingerprint, write_json
from relinkage.plans.plan import Plan, Stage

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

    def of(self, path: Path) -> str:
        """Return the digest of a file, or of all files of a folder and their names."""
        if not path.is_dir():
            return self._file(path)
        parts = [
            f"{file.relative_to(path)}\n{self._file(file)}\n"
            for file in sorted(path.rglob("*"))
            if file.is_file() and not file.name.startswith(".")
        ]
        return fingerprint(*(part.encode("utf-8", "surrogateescape") for part in parts))

    def keep(self) -> None:
        """Write down what is known, for the next run."""
        write_json(self._kept, self._seen)

    def _file(self, path: Path) -> str:
        state = path.stat()
        key, told = str(path.resolve()), [state.st_size, state.st_mtime_ns]
        known = self._seen.get(key) or self._known.get(key)
        if isinstance(known, list) and known[:2] == told and isinstance(known[-1], str):
            digest = known[-1]
        else:
            with path.open("rb") as file:
                digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        if time.time() - state.st_mtime > _FRESH:
            self._seen[key] = [*told, digest]
        return digest


def stage_keys(plan: Plan, digests: Digests) -> dict[str, str]:
    """Return the key of each stage by its name."""
    keys: dict[str, str] = {}
    for stage in plan.stages:
        parts = {
            "code": code_version(),
            "command": stage.verb.name,
            "options": dict(stage.told),
            "inputs": [digests.of(path) for path in _read(stage)],
            "stages": [keys[name] for name in stage.uses],
        }
        keys[stage.name] = fingerprint(json.dumps(parts, sort_keys=True).encode())
    return keys


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
