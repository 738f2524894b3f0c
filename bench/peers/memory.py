"""What this process takes of memory, by the system's own figures, and a limit on it."""

import resource
import sys
from contextlib import suppress
from pathlib import Path

_STATUS = Path("/proc/self/status")


def held() -> int:
    """Give the bytes of memory this process holds now; 0 where the system does not say."""
    return _said("VmRSS")


def peak() -> int:
    """Give the most bytes held since `forget_peak`, or since the process began where that did nothing.

    On Linux this is VmHWM and not `getrusage`, whose figure a process inherits from the one that started it.
    """
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return _said("VmHWM") or used * (1 if sys.platform == "darwin" else 1024)


def forget_peak() -> None:
    """Let the peak begin at what is held now, where the system allows it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def limit(more: int) -> None:
    """Let allocations fail that would take this process `more` bytes beyond what its data take now."""
    if now := _said("VmData"):
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (now + more, hard))


def _said(name: str) -> int:
    if not _STATUS.exists():
        return 0
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(name + ":"))
    return int(line.split()[1]) * 1024
