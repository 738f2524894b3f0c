"""One peer in a process of its own, so that its memory is its own: `python -m bench.peers.alone`.

The peer runs first, under its limits of time and memory, and the peak is read; then our exact pass and the
peer take turns. The last line of the output is JSON.
"""

import argparse
import json
import signal
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bench.peers import memory
from bench.peers.ours import exact_pass, exact_pass_both
from bench.peers.roster import PEERS, Array

T = TypeVar("T")
GB = 2**30
WARM = 300
"""Pairs that compiled code, and whatever else starts slowly, is tried on first."""


def measure(
    number: int, images: Array, reports: Array, out: Path, options: argparse.Namespace
) -> dict[str, Any]:
    peer = PEERS[number]
    reference = exact_pass_both if peer.both else exact_pass
    few = images[:WARM].copy(), reports[:WARM].copy()
    for _ in range(2):
        reference(*few)
        peer.prepare(*few)()
    work = peer.prepare(images, reports)
    memory.forget_peak()
    before = memory.held()
    memory.limit(int(options.memory * GB))
    signal.setitimer(signal.ITIMER_REAL, options.budget)  # what takes longer is ended by the signal
    try:
        first, answer = timed(work)
    except (MemoryError, RuntimeError) as failure:
        if isinstance(failure, RuntimeError) and "allocate" not in str(failure):
            raise
        return {"failed": f"over {options.memory:g} GB"}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    peak = memory.peak()
    if answer is not None:
        np.savez(out, **answer.arrays())
    times: list[Time] = []
    references: list[Time] = []
    spent = first.wall
    while len(references) < options.runs:
        references.append(timed(lambda: reference(images, reports))[0])
        spent += references[-1].wall
        if spent + first.wall > options.budget:
            break
        times.append(timed(work)[0])
        spent += times[-1].wall
    times = times or [first]  # the first is colder than the others, and counts only where it is alone
    return {
        "seconds": statistics.median(one.wall for one in times),
        "processor": statistics.median(one.processor for one in times),
        "reference": statistics.median(one.wall for one in references),
        "reference_processor": statistics.median(one.processor for one in references),
        "runs": len(times),
        "added": (peak - before) / GB,
        "peak": peak / GB,
    }


@dataclass(frozen=True)
class Time:
    """Seconds by the clock, and of processor over all threads, which hold on a busy machine too."""

    wall: float
    processor: float


def timed(work: Callable[[], T]) -> tuple[Time, T]:
    wall, processor = time.perf_counter(), time.process_time()
    answer = work()
    return Time(time.perf_counter() - wall, time.process_time() - processor), answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", type=int, help="The peer's number on the roster.")
    parser.add_argument("folder", type=Path, help="Holds images.npy and reports.npy; takes the answer.")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--budget", type=float, default=30)
    parser.add_argument("--memory", type=float, default=6)
    options = parser.parse_args()
    images, reports = (np.load(options.folder / f"{name}.npy") for name in ("images", "reports"))
    out = options.folder / f"{options.number}.npz"
    print(json.dumps(measure(options.number, images, reports, out, options)))


if __name__ == "__main__":
    main()
