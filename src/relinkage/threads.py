"""How many threads work may take, and how many a product takes: the one place where either is changed.

The number of a BLAS library belongs to the whole process. It is one while anybody is inside
`one_thread_each`; the first in saves what was found and the last out restores it. torch keeps a number for
each thread and another that new threads begin with; `set_torch_threads` changes the calling thread's alone.
"""

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from threadpoolctl import threadpool_limits

_torch_turn = threading.Lock()


def available() -> int:
    """Return how many threads work may take: torch's number where torch is loaded, else what it would be.

    That is `OMP_NUM_THREADS`, or the processors that this process may run on.
    """
    if sys.modules.get("torch") is not None:
        import torch  # waits where another thread is still importing it

        with _torch_turn:
            return torch.get_num_threads()
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if asked.isdigit() and int(asked):
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Limits:
    """One thread for every BLAS library, as long as anybody is inside.

    A thread of its own sets the limit and lifts it: threadpoolctl (from 3.8 on) lets OpenBLAS be changed by
    the thread that was first to change it, and passes over any other without a word.
    """

    def __init__(self) -> None:
        self._turn, self._inside = threading.Lock(), 0
        self._keeper: ThreadPoolExecutor | None = None
        self._found: Any = None

    def enter(self) -> None:
        with self._turn:
            if self._keeper is None:
                self._keeper = ThreadPoolExecutor(1, "blas-threads")
                self._found = self._keeper.submit(threadpool_limits, 1, "blas").result()
            self._inside += 1

    def leave(self) -> None:
        with self._turn:
            self._inside -= 1
            if self._keeper is not None and not self._inside:
                self._keeper.submit(self._found.restore_original_limits).result()
                self._keeper.shutdown()
                self._keeper = None


_limits = _Limits()


@contextmanager
def one_thread_each() -> Iterator[int]:
    """Let every worker multiply with one thread of its own; give how many workers there may be.

    Many may be inside at once, and one inside another: products of several threads each would only wait for
    each other. Workers that multiply with torch also call `set_torch_threads`.
    """
    _limits.enter()
    try:
        yield available()
    finally:
        _limits.leave()


def set_torch_threads(number: int) -> int:
    """Let torch use so many threads in the calling thread, and in no other; return how many it used before.

    torch sets the number that new threads begin with along with that of the calling thread. A new thread
    reads it before and puts it back at once.
    """
    import torch

    with _torch_turn, ThreadPoolExecutor(1) as new:
        before = torch.get_num_threads()
        beginning = new.submit(torch.get_num_threads).result()
        torch.set_num_threads(number)
        new.submit(torch.set_num_threads, beginning).result()
    return before


@contextmanager
def torch_threads(number: int) -> Iterator[None]:
    """Let torch use so many threads in the calling thread, and in no other, inside a block."""
    before = set_torch_threads(number)
    try:
        yield
    finally:
        set_torch_threads(before)
