"""Audits past memory and past one process: `python -m bench --only scale`.

Memory: the whole command `relinkage audit` over candidates on disk, float16, 512 wide, and 500 queries, in
a process of its own; its peak is the operating system's figure (`ru_maxrss`), and `a candidate` is what the
peak grows by beyond the first row's.

Ray: one exact pass at d = 128 by Ray with one and with two workers, a thread each, and by this process with
one thread; the same counts from all. Times are ratios to two workers, medians of runs in turn. Where Ray is
not installed or there is one core, that is said.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

WIDTH = 512
QUERIES = 500
_CHUNK = 20_000


def written(folder: Path, candidates: int) -> list[str]:
    """Write vectors and pairs of one audit piece by piece, and give the options that name them."""
    random = np.random.default_rng(candidates)
    images = random.standard_normal((QUERIES, WIDTH), dtype=np.float32)
    files = [folder / name for name in ("images.npy", "reports.npy", "pairs.csv")]
    np.save(files[0], images.astype(np.float16))
    header = {"descr": "<f2", "fortran_order": False, "shape": (candidates, WIDTH)}
    with files[1].open("wb") as reports:  # no memory map: an audit that is started inherits this one's peak
        np.lib.format.write_array_header_1_0(reports, header)
        for start in range(0, candidates, _CHUNK):
            rows = random.standard_normal((min(_CHUNK, candidates - start), WIDTH), dtype=np.float32)
            if start == 0:
                rows[:QUERIES] += 0.1 * images
            reports.write(rows.astype("<f2").tobytes())
    lines = [f"{row},{row},{row % 400}" for row in range(QUERIES)]
    files[2].write_text("\n".join(["pair_id,candidate,patient_id", *lines]) + "\n")
    return [f"--{file.stem}={file}" for file in files]


def memory(sizes: list[int]) -> None:
    """Print the peak memory of an audit by the number of its candidates."""
    print(f"{QUERIES} queries, width {WIDTH}")
    print(f"{'candidates':>12} {'on disk':>9} {'peak':>10} {'a candidate':>12}")
    first = 0
    for candidates in sizes:
        with tempfile.TemporaryDirectory() as kept:
            folder = Path(kept)
            options = written(folder, candidates)
            command = [sys.executable, "-m", "relinkage", "audit", *options, f"--out={folder / 'run'}"]
            peak = _peak_of(command)
            disk = (folder / "reports.npy").stat().st_size
        first = first or peak
        grown = (peak - first) / (candidates - sizes[0]) if candidates > sizes[0] else 0
        cell = f"{grown:.0f} bytes" if grown else "-"
        print(f"{candidates:>12,} {disk / 1e9:>6.2f} GB {peak / 2**20:>6.0f} MiB {cell:>12}", flush=True)


def _peak_of(command: list[str]) -> int:
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise RuntimeError(f"{' '.join(command[1:4])} ended with {running.returncode}.")
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def workers(pairs: int, runs: int) -> None:
    """Print what a second worker is worth."""
    if find_spec("ray") is None:
        print("\nRay is not installed: its workers were not measured.")
        return
    if (os.cpu_count() or 1) < 2:
        print("\nThere is one core: what two workers are worth was not measured.")
        return
    # Not before: a process that is measured inherits the peak of the one that starts it.
    import ray

    from bench.planting import planted
    from relinkage.linkage.engines import Engine, choose
    from relinkage.linkage.engines.cluster import over_ray
    from relinkage.linkage.ranks import count_ranks
    from relinkage.linkage.vectors import Vectors

    images, reports = planted(pairs, 128)
    sides = Vectors.prepare(images, "images"), Vectors.prepare(reports, "reports")
    mate = np.arange(pairs)
    found = {}
    seconds: dict[str, list[float]] = {"one": [], "two": [], "alone": []}

    def count(name: str, engine: Callable[[], Engine]) -> float:
        start = time.perf_counter()
        found[name] = count_ranks(*sides, mate, engine=engine(), threads=1).above
        return time.perf_counter() - start

    count("alone", lambda: choose("auto"))
    for _ in range(runs):
        seconds["alone"].append(count("alone", lambda: choose("auto")))
        for number, name in ((1, "one"), (2, "two")):
            ray.init(address="local", num_cpus=number, include_dashboard=False, logging_level="ERROR",
                     log_to_driver=False)  # fmt: skip
            count(name, lambda: over_ray("ray"))  # starts the workers, which load and compile
            seconds[name].append(count(name, lambda: over_ray("ray")))
            ray.shutdown()
    if not all(np.array_equal(found["alone"], counts) for counts in found.values()):
        raise RuntimeError("Ray's counts differ from those of one process.")
    middle = {name: float(np.median(values)) for name, values in seconds.items()}
    print(f"\n{pairs:,} × {pairs:,}, d = 128, {runs} runs in turn; the same counts from all")
    print(f"{'two workers':>14} {'one worker':>14} {'one thread, no Ray':>20}")
    print(f"{middle['two']:>12.2f} s {middle['one'] / middle['two']:>12.2f} × "
          f"{middle['alone'] / middle['two']:>18.2f} ×")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, nargs="+", default=[250_000, 1_000_000, 5_000_000])
    parser.add_argument("--pairs", type=int, default=30_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    memory(options.candidates)
    workers(options.pairs, options.runs)


if __name__ == "__main__":
    main()
