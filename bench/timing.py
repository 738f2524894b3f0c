"""Medians of works taken in turn."""

import statistics
import time
from collections.abc import Callable


def interleaved(runs: int, **works: Callable[[], object]) -> dict[str, float]:
    """Median seconds of each work, taken in turn so that a drift of the machine meets all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(runs):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}
