"""Progress on stderr: a bar where a terminal is there, silence where none is."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tqdm import tqdm


def progress(total: int, what: str, unit: str, *, done: int = 0, scale: bool = False) -> "tqdm[None]":
    """Give a progress bar to be used as a context manager.

    Args:
        total: units of work in all.
        what: the work, in a word or two.
        unit: the name of one unit.
        done: units that an earlier, interrupted run has already finished.
        scale: whether to print 3.2G rather than 3200000000.
    """
    from tqdm import tqdm  # not where there is nothing to show: every refusal passes through this module

    return tqdm(
        total=total,
        desc=what,
        unit=f" {unit}",
        initial=done,
        unit_scale=scale,
        file=sys.stderr,
        disable=not sys.stderr.isatty(),
        leave=False,
        dynamic_ncols=True,
    )


def say(message: str) -> None:
    """Print one line for the person at the terminal to stderr, so that stdout keeps only results."""
    print(message, file=sys.stderr)
