"""Engines: the same exact counts from whatever hardware there is."""

from relinkage.errors import InputError
from relinkage.linkage.engines.blocks import InBlocks, in_blocks
from relinkage.linkage.engines.kept import Kept
from relinkage.linkage.engines.portable import Portable
from relinkage.linkage.engines.question import Engine, Mates, Question, Tally

__all__ = ["Engine", "InBlocks", "Kept", "Mates", "Portable", "Question", "Tally", "choose", "in_blocks"]


def choose(name: str) -> Engine:
    """Give an engine by its name.

    Args:
        name: `auto`, `cpu`, `ray` or `ray://HOST:PORT`.

    Raises:
        InputError: there is no engine of that name, or it cannot run here.
    """
    if name in ("auto", "cpu"):
        return Portable()
    if name == "ray" or name.startswith("ray://"):
        from relinkage.linkage.engines.cluster import over_ray

        return over_ray(name)
    raise InputError(f"--engine {name} is not known; give auto, cpu, ray or ray://HOST:PORT.")
