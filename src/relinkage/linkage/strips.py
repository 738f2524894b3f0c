"""Strips of rows, one after another to whichever thread is free."""

import threading
from collections.abc import Callable

from relinkage.progress import progress

Strip = Callable[[int, int], None]
"""Takes the first row of a strip and one past its last."""


def in_strips(total: int, size: int, worker: Callable[[], Strip], threads: int, what: str = "") -> None:
    """Cut rows into strips and let threads take them in turn.

    Args:
        total: rows.
        size: rows of a strip.
        worker: called once in each thread; gives the function that takes that thread's strips.
        threads: threads to use.
        what: the name of the work on the progress bar; none where empty.

    Raises:
        BaseException: the first that a worker raised; the others stop after their strip.
    """
    starts = iter(range(0, total, size))
    turn = threading.Lock()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            take = worker()
            while not failures:
                with turn:
                    start = next(starts, None)
                if start is None:
                    return
                stop = min(start + size, total)
                take(start, stop)
                if bar is not None:
                    with turn:
                        bar.update(stop - start)
        except BaseException as failure:  # handed to the caller's thread below
            failures.append(failure)

    bar = progress(total, what, "queries") if what else None
    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    try:
        for thread in workers:
            thread.start()
        for thread in workers:
            thread.join()
    except KeyboardInterrupt as stop:
        failures.append(stop)
        raise
    finally:
        if bar is not None:
            bar.close()
    if failures:
        raise failures[0]
