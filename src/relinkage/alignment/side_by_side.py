"""Two parts of a training step at once, each with half of the threads.

An image's side and a report's are alike and meet only in the objective. What compiled loops do takes one
thread, so one side at a time would leave half of a small machine idle.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, TypeVar

from relinkage.threads import available, set_torch_threads, torch_threads

T = TypeVar("T")


class Both(Protocol):
    """What gives (work(0), work(1))."""

    def __call__(self, work: Callable[[int], T], /) -> tuple[T, T]:
        """Do both; an exception of either is raised when both have ended."""


def in_turn(work: Callable[[int], T]) -> tuple[T, T]:
    """Do one after the other, in this thread."""
    return work(0), work(1)


@contextmanager
def side_by_side() -> Iterator[Both]:
    """Give what does the second in a thread of its own; this thread and that one share torch's threads.

    Whether gradients are followed is a thread's own choice, so `work` has to say so itself.
    """
    threads = available()
    if threads == 1:
        yield in_turn
        return
    with (
        torch_threads(threads - threads // 2),
        ThreadPoolExecutor(
            1, "second-side", initializer=set_torch_threads, initargs=(threads // 2,)
        ) as second,
    ):

        def both(work: Callable[[int], T]) -> tuple[T, T]:
            other = second.submit(work, 1)
            try:
                mine = work(0)
            finally:
                done = other.exception()
            if done is not None:
                raise done
            return mine, other.result()

        yield both
