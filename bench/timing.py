"""Medians of works taken in turn."""

import statistics
import time
from collections.abc import Callable


def in_turn(runs: int, **works: Callable[[], object]) -> dict[str, list[float]]:
    """Seconds of each run of each work, taken in turn so that a drift of the machine meets all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(runs):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def interleaved(runs: int, **works: Callable[[], object]) -> dict[str, float]:
    """Median seconds of each work, taken in turn."""
    return {name: statistics.median(seconds) for name, seconds in in_turn(runs, **works).items()}


def ratio(seconds: list[float], to: list[float]) -> str:
    """Write the median of the ratios of runs that followed each other, and the least and the largest."""
    ratios = [one / other for one, other in zip(seconds, to, strict=True)]
    return f"{statistics.median(ratios):.2f} × ({min(ratios):.2f} to {max(ratios):.2f})"
