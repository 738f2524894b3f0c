"""Engines: the same exact counts from whatever hardware there is."""

from collections.abc import Callable

from relinkage.errors import InputError
from relinkage.linkage.engines import native
from relinkage.linkage.engines.blocks import InBlocks, in_blocks
from relinkage.linkage.engines.devices import cuda_device_possible
from relinkage.linkage.engines.kept import Kept
from relinkage.linkage.engines.portable import Portable
from relinkage.linkage.engines.question import Engine, Mates, Question, Tally
from relinkage.progress import say

__all__ = [
    "ENGINES",
    "Engine",
    "InBlocks",
    "Kept",
    "Mates",
    "Portable",
    "Question",
    "Tally",
    "choose",
    "in_blocks",
]


def choose(name: str) -> Engine:
    """Give an engine by its name.

    Args:
        name: one of `ENGINES`, or `ray://HOST:PORT`.

    Raises:
        InputError: there is none of that name, or it cannot run here.
    """
    if name == "ray" or name.startswith("ray://"):
        from relinkage.linkage.engines.cluster import over_ray

        return over_ray(name)
    if name not in ENGINES:
        raise InputError(f"--engine {name} is not known; give {', '.join(ENGINES)}, ray or ray://HOST:PORT.")
    return ENGINES[name]()


def _auto() -> Engine:
    if cuda_device_possible():
        from relinkage.linkage.engines import gpu

        if gpu.missing() is None:
            try:
                return gpu.Gpu()
            except InputError as reason:  # a device whose products are not what the bound rests on
                say(f"Note: {reason}")
    try:
        return native.best()
    except native.UnavailableError:
        return Portable()


def _native() -> Engine:
    try:
        return native.best()
    except native.UnavailableError as reason:
        raise InputError(f"--engine native cannot run here, as {reason}; use --engine cpu.") from None


def _gpu() -> Engine:
    from relinkage.linkage.engines.gpu import Gpu

    return Gpu()


ENGINES: dict[str, Callable[[], Engine]] = {"auto": _auto, "cpu": Portable, "native": _native, "gpu": _gpu}
"""What `--engine` offers on one machine: a name and what gives the engine, or says why it cannot run."""
