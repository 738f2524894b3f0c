"""Engines: the same exact counts from whatever hardware there is."""

from collections.abc import Callable

from relinkage.errors import InputError
from relinkage.linkage.engines import native
from relinkage.linkage.engines.portable import Portable
from relinkage.linkage.engines.question import Engine, Mates, Question, Tally

__all__ = ["ENGINES", "Engine", "Mates", "Portable", "Question", "Tally", "choose"]


def choose(name: str) -> Engine:
    """Give an engine by its name.

    Args:
        name: one of `ENGINES`.

    Raises:
        InputError: there is none of that name, or it cannot run here.
    """
    if name not in ENGINES:
        raise InputError(f"--engine {name} is not known; give one of {', '.join(ENGINES)}.")
    return ENGINES[name]()


def _auto() -> Engine:
    try:
        return native.best()
    except native.UnavailableError:
        return Portable()


def _native() -> Engine:
    try:
        return native.best()
    except native.UnavailableError as reason:
        raise InputError(f"--engine native cannot run here, as {reason}; use --engine cpu.") from None


ENGINES: dict[str, Callable[[], Engine]] = {"auto": _auto, "cpu": Portable, "native": _native}
"""What `--engine` offers: a name and what gives the engine, or raises an InputError that says why not."""
