"""Progress on stderr: a bar where a terminal is there, silence where none is."""

import sys
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from relinkage.printing import visible

if TYPE_CHECKING:
    from tqdm import tqdm


class _Silence:
    """A bar that nobody sees."""

    n = 0

    def update(self, units: float = 1) -> None:
        """Take note of work that was done."""

    def close(self) -> None:
        """End the work."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def progress(
    total: int, what: str, unit: str, *, done: int = 0, scale: bool = False
) -> "tqdm[None] | _Silence":
    """Give a progress bar to be used as a context manager.

    Args:
        total: units of work in all.
        what: the work, in a word or two.
        unit: the name of one unit.
        done: units that an earlier, interrupted run has already finished.
        scale: whether to print 3.2G rather than 3200000000.
    """
    if not sys.stderr.isatty():
        return _Silence()
    from tqdm import tqdm  # only where there is something to show

    return tqdm(
        total=total,
        desc=visible(what),
        unit=f" {unit}",
        initial=done,
        unit_scale=scale,
        file=sys.stderr,
        leave=False,
        dynamic_ncols=True,
    )


def say(*lines: str) -> None:
    """Print lines for the person at the terminal to stderr, so that stdout keeps only results.

    Nothing depends on whether they can be written.
    """
    with suppress(OSError):
        for line in lines:
            print(visible(line), file=sys.stderr)
