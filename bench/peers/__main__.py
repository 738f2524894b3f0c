"""Our audit beside what people use today, on the same data, each in a process of its own.

Unit vectors in float32 with a weak link, in a narrow cone, a twelfth of the reports alike (so that many tie).
A row per way of measuring:

- `time`: against our exact pass in the same process, taking turns; medians by the clock. Ways that count
  both directions stand against our pass in both directions. `audit`: the same against our whole audit, which
  also has pools, controls and intervals that draw patients. `CPU`: as `time`, in seconds of processor over
  all threads, which other work on the machine disturbs less.
- `added`: the most memory held beyond what the process held before (libraries and the two arrays); `peak`:
  all of it, by the system's own figure.
- `wrong`: queries of which something is said that is not so, whatever the order of tied reports: a rank, a
  number of ties, a hit among the first 1 or 10 (only 1 for torchmetrics). Judged by float64 cosines and by
  float64 dot products of the same vectors: who takes products for cosines does not follow the first, and what
  is wrong by the second too comes from rounding, or from a rule (torchmetrics counts a mate at a score ≤ 0
  as missed).
- `Recall@1 off by`: what is said less the mean over the orders of tied reports, by float64 cosines.

"re-expressed": what the published code does, in lines of our own, where the package needs torchvision or is
not on an index of packages. Our exact pass is by the engine that an audit takes here: the native one where it
runs. The row of our exact pass against itself says how rough the ratios are.
A way that takes longer than the budget, or more memory, says so in place of figures.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.peers import truth
from bench.peers.answer import Answer
from bench.peers.roster import PEERS, Array, Peer
from bench.planting import planted


def units(pairs: int, dimension: int) -> tuple[Array, Array]:
    """Planted images and reports as unit vectors in float32, as models give them."""
    images, reports = planted(pairs, dimension)
    return tuple(side / np.linalg.norm(side, axis=1, keepdims=True) for side in (images, reports))


def run_alone(number: int, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one peer in a process of its own; says why where there are no figures."""
    if PEERS[number].missing:
        return {"failed": "not installed"}
    limits = [f"--{name}={getattr(options, name)}" for name in ("runs", "budget", "memory")]
    command = [sys.executable, "-m", "bench.peers.alone", str(number), str(folder), *limits]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == -signal.SIGALRM:
        return {"failed": f"over {options.budget:g} s"}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {"failed": f"failed ({done.returncode}): {last[:60]}"}
    return json.loads(done.stdout.splitlines()[-1])


def cells(peer: Peer, said: dict[str, Any], audits: dict[bool, float], judged: list[str]) -> list[str]:
    """Lay out the figures of one row."""
    against = said["seconds"] / said["reference"]
    to_audit = f"{against / audits[peer.both]:.2f} ×" if peer.both in audits else "–"
    work = said["processor"] / said["reference_processor"]
    return [
        f"{against:.2f} ×",
        f"{work:.2f} ×",
        to_audit,
        f"{said['added']:.2f} GB",
        f"{said['peak']:.2f} GB",
        *judged,
    ]


def judge(answer: Answer | None, by: tuple[truth.Truth, truth.Truth]) -> list[str]:
    if answer is None:
        return 3 * ["–"]
    wrong = [f"{answer.wrong(one):,}" for one in by]
    return [*wrong, f"{answer.recall_at_1() - by[0].recall_at_1():+.5f}"]


def table(pairs: int, dimension: int, options: argparse.Namespace) -> None:
    """Print the rows of one size."""
    images, reports = units(pairs, dimension)
    by = truth.by_cosine(images, reports), truth.by_dot_product(images, reports)
    mates = np.einsum("ij,ij->i", images.astype(np.float64), reports)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "images.npy", images)
        np.save(folder / "reports.npy", reports)
        said = [run_alone(number, folder, options) for number in range(len(PEERS))]
        answers = [_answer(folder / f"{number}.npz") for number in range(len(PEERS))]
    audits = {
        peer.both: figures["seconds"] / figures["reference"]
        for peer, figures in zip(PEERS, said, strict=True)
        if peer.ours and "audit" in peer.name and "failed" not in figures
    }
    reference = said[[peer.name for peer in PEERS].index("relinkage, exact pass")]
    took = f"our exact pass took {reference['reference']:.2f} s" if "failed" not in reference else ""
    tied, below = int((by[0].ties > 0).sum()), int((mates <= 0).sum())
    print(f"\n{pairs:,} × {pairs:,}, d = {dimension}; {took}; Recall@1 is {by[0].recall_at_1():.5f}, "
          f"{tied:,} mates tie, {below:,} mates have a cosine ≤ 0")  # fmt: skip
    head = ["time", "CPU", "audit", "added", "peak", "wrong (cos)", "(product)", "Recall@1 off by"]
    widths = [10, 10, 10, 9, 9, 11, 9, 15]
    print(f"{'':50} " + " ".join(f"{cell:>{width}}" for cell, width in zip(head, widths, strict=True)))
    for peer, figures, answer in zip(PEERS, said, answers, strict=True):
        if "failed" in figures:
            print(f"{peer.name:50} {figures['failed']}")
            continue
        row = cells(peer, figures, audits, judge(answer, by))
        print(
            f"{peer.name:50} " + " ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
        )
    sys.stdout.flush()


def _answer(path: Path) -> Answer | None:
    if not path.exists():
        return None
    with np.load(path) as arrays:
        return Answer.of(dict(arrays))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, nargs="+", default=[2_000, 10_000, 43_793])
    parser.add_argument("--dimension", type=int, default=128)
    parser.add_argument("--runs", type=int, default=3, help="At most; fewer where the budget is spent.")
    parser.add_argument("--budget", type=float, default=30, help="Seconds a peer may take.")
    parser.add_argument("--memory", type=float, default=6, help="GB a peer may take beyond the arrays.")
    options = parser.parse_args()
    print(f"up to {options.runs} runs, {options.budget:g} s and {options.memory:g} GB for each")
    for pairs in options.pairs:
        table(pairs, options.dimension, options)


if __name__ == "__main__":
    main()
