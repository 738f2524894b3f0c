"""Recall@1 in a pool of N: drawn pools against the closed form over all pools (`relinkage.linkage.pools`).

A drawn pool is N pairs picked at random, their N × N similarities, and the share of images whose own report
scores highest: what papers do, once or a few times. The closed form is the mean over every pool there is, and
follows from the counts of one exact pass, which serves all N at once.

- `closed form`: Recall@1; `draws`: how many pools were drawn, up to 1,000 or until the budget was spent;
  `their mean`: and how many standard errors it is from the closed form;
- `one pool`: the standard deviation of a single pool's Recall@1;
- `time`: of all those draws against the exact pass and the closed form together, in the same process;
- `to ±0.0001`: pools to draw for a standard error of 0.0001, and the time that would take on the same scale.
"""

import argparse
import time

import numpy as np
import torch
from numpy.typing import NDArray

from bench.peers.ours import exact_pass
from bench.planting import Array, planted
from relinkage.linkage.pools import recall_at

Floats = NDArray[np.float64]


def drawn(images: Array, reports: Array, pool: int, draws: int, budget: float, seed: int = 0) -> Floats:
    """Recall@1 of pools of pairs drawn at random, as many as the budget of seconds allows, at least two."""
    random = np.random.default_rng(seed)
    a, b = torch.from_numpy(images), torch.from_numpy(reports)
    own = torch.arange(pool)
    recall: list[float] = []
    start = time.perf_counter()
    while len(recall) < draws and (len(recall) < 2 or time.perf_counter() - start < budget):
        pairs = torch.from_numpy(random.choice(len(a), pool, replace=False))
        best = (a[pairs] @ b[pairs].T).argmax(dim=1)
        recall.append(float((best == own).double().mean()))
    return np.array(recall)


def closed_form(above: NDArray[np.int64], ties: NDArray[np.int64], pool: int) -> float:
    """The mean of Recall@1 over all pools of this size and over the orders of tied reports."""
    everyone = np.full(len(above), len(above))
    return float(recall_at(everyone, above, ties, np.full(len(above), pool), [1]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=43_793)
    parser.add_argument("--dimension", type=int, default=128)
    parser.add_argument("--pools", type=int, nargs="+", default=[100, 1_000, 10_000])
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--budget", type=float, default=30, help="Seconds to draw pools of one size.")
    options = parser.parse_args()
    images, reports = planted(options.pairs, options.dimension)
    for side in (images, reports):
        side /= np.linalg.norm(side, axis=1, keepdims=True)
    warm = exact_pass(images[:300].copy(), reports[:300].copy())
    closed_form(warm.rank, warm.ties, 10)

    start = time.perf_counter()
    counts = exact_pass(images, reports)
    passed = time.perf_counter() - start
    print(f"{options.pairs:,} pairs, d = {options.dimension}; the exact pass took {passed:.2f} s")
    print(f"{'N':>7} {'closed form':>12} {'draws':>6} {'their mean':>22} {'one pool':>9} {'time':>9} "
          f"{'to ±0.0001':>26}")  # fmt: skip
    for pool in options.pools:
        start = time.perf_counter()
        exact = closed_form(counts.rank, counts.ties, pool)
        closed = passed + time.perf_counter() - start
        start = time.perf_counter()
        recall = drawn(images, reports, pool, options.draws, options.budget)
        took = (time.perf_counter() - start) / closed
        spread = recall.std(ddof=1)
        error = spread / np.sqrt(len(recall))
        off = f"{recall.mean():.5f} ({(recall.mean() - exact) / error:+.1f} SE)"
        needed = int(np.ceil((spread / 1e-4) ** 2))
        rest = f"{needed:,} pools, {took * needed / len(recall):,.1f} ×"
        print(f"{pool:>7,} {exact:>12.5f} {len(recall):>6,} {off:>22} {spread:>9.5f} {took:>7.2f} × "
              f"{rest:>26}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
