"""Heads read together with what they state, which passes a check first."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import msgspec

from relinkage.alignment.folder import Heads, read_heads
from relinkage.encoders.trained.manifest import HardenedHeads, with_faults
from relinkage.privacy.spending import accounted_faults
from relinkage.progress import say


def read_stated_heads(path: Path) -> Heads:
    """Read heads as `read_heads` does, and compute the ε that they state again.

    Whatever quotes a statement reads heads here: where it does not hold, it says so and nothing else.

    Args:
        path: a folder of heads, or a bare `heads.safetensors`.

    Raises:
        InputError: as `read_heads`.
    """
    heads = read_heads(path)
    told = heads.manifest
    if not isinstance(told, HardenedHeads) or told.privacy is None or told.privacy.faults:
        return heads
    if find_spec("dp_accounting") is None:
        say(
            f"Note: the epsilon that {path} states was not computed again, which takes the package "
            "dp-accounting: `pip install 'relinkage[privacy]'`."
        )
        return heads
    faults = accounted_faults(told.privacy, told.settings)
    if not faults:
        return heads
    return replace(heads, manifest=msgspec.structs.replace(told, privacy=with_faults(told.privacy, faults)))
