"""The audit's time as a ratio to the matrix product it cannot avoid: `make bench`.

Prints a row per width, each figure a median of interleaved runs:

- product: the bare product over the same arrays, in blocks with all threads or in strips with one thread
  each, whichever is faster;
- exact pass: one direction by the portable engine (cpu) and by the native one, vectors made ready included,
  as ratios to the product; the native column is empty where that engine cannot run;
- whole audit: pass, controls, every pool, intervals, as a ratio to the product;
- full audit: both directions, the ladder of hard negatives, the open set with its three scores, 2,000
  replicates, as a ratio to the portable exact pass;
- the process's peak memory.

Then the bootstrap by itself: 10,000 replicates of 40 cells.
"""

import argparse
import platform
import resource
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from relinkage.errors import InputError
from relinkage.linkage import AuditSettings, HardNegatives, Links, audit
from relinkage.linkage.engines import Engine, choose
from relinkage.linkage.engines.sweep import sweep
from relinkage.linkage.ranks import count_ranks
from relinkage.linkage.uncertainty import ClusterBootstrap
from relinkage.linkage.vectors import Vectors

Array = NDArray[np.float32]


def planted(pairs: int, dimension: int, seed: int = 0) -> tuple[Array, Array]:
    """Images and reports with a weak link, a common direction, and a twelfth of the reports alike."""
    random = np.random.default_rng(seed)
    images = random.standard_normal((pairs, dimension), dtype=np.float32)
    reports = 0.3 * images + random.standard_normal((pairs, dimension), dtype=np.float32)
    images += 0.5
    reports -= 0.5
    reports[random.integers(0, pairs, pairs // 12)] = reports[0]
    return images, reports


LABELS = (0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.03, 0.02, 0.02, 0.01, 0.01, 0.01, 0.01)
"""How frequent each of 14 labels is."""
FULL = AuditSettings(direction="both", hard_negatives=HardNegatives(ladder=True), open_set=(0.003, 0.01, 0.1))


def described(pairs: int, patients: int, seed: int = 1) -> Links:
    """Links with patients, labels, view, sex, age and report length, drawn at random."""
    random = np.random.default_rng(seed)
    table = {
        "pair_id": [str(row) for row in range(pairs)],
        "patient_id": random.integers(0, patients, pairs).astype(str),
        **{f"label {n}": (random.random(pairs) < share).astype(int) for n, share in enumerate(LABELS)},
        "view": random.choice(["PA", "AP", "LL"], pairs),
        "sex": random.choice(["F", "M"], pairs),
        "age": random.integers(18, 95, pairs),
        "report_words": random.integers(5, 150, pairs),
    }
    return Links.from_pairs(pl.DataFrame(table), pairs, pairs, "bench")


def bare_product(images: Array, reports: Array, block: int = 1024) -> None:
    """The product in blocks into one buffer, every thread torch has, nothing read from it."""
    a, b = torch.from_numpy(images), torch.from_numpy(reports)
    buffer = torch.empty(block * block)
    for row in range(0, len(a), block):
        for column in range(0, len(b), block):
            x, y = a[row : row + block], b[column : column + block]
            torch.mm(x, y.T, out=buffer[: len(x) * len(y)].view(len(x), len(y)))


def bare_strips(images: Array, reports: Array) -> None:
    """The same product cut into strips, one torch thread each, as the exact pass cuts it."""
    sweep(images, reports, lambda: lambda tile, row, column: None)


def interleaved(runs: int, **works: Callable[[], object]) -> dict[str, float]:
    """Median seconds of each work, taken in turn so that a drift of the machine meets all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(runs):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def runs_here() -> dict[str, Engine]:
    """The engines that the exact pass is measured with."""
    engines = {}
    for name in ("cpu", "native"):
        try:
            engines[name] = choose(name)
        except InputError as reason:
            print(f"not measured: {reason}")
    return engines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=43793)
    parser.add_argument("--patients", type=int, default=9000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--dimensions", type=int, nargs="+", default=[128, 512])
    options = parser.parse_args()
    engines = runs_here()
    small = planted(600, 8)
    for settings in (AuditSettings(engine="cpu"), AuditSettings(), FULL):  # compiles
        audit(*small, described(600, 200), settings)
    print(f"{options.pairs:,} × {options.pairs:,}, {options.runs} interleaved runs, medians; "
          f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads")  # fmt: skip
    print(
        f"{'d':>5} {'product':>10} {'exact pass, cpu':>22} {'exact pass, native':>22} "
        f"{'whole audit':>22} {'full audit':>22} {'peak memory':>12}"
    )
    for dimension in options.dimensions:
        images, reports = planted(options.pairs, dimension)
        links = described(options.pairs, options.patients)

        def exact_pass(engine: Engine, images: Array = images, reports: Array = reports) -> None:
            mate = np.arange(len(images))
            vectors = Vectors.prepare(images, "images"), Vectors.prepare(reports, "reports")
            count_ranks(*vectors, mate, engine=engine)

        median = interleaved(
            options.runs,
            blocks=lambda images=images, reports=reports: bare_product(images, reports),  # type: ignore[misc]
            strips=lambda images=images, reports=reports: bare_strips(images, reports),  # type: ignore[misc]
            **{name: partial(exact_pass, engine) for name, engine in engines.items()},
            whole=lambda images=images, reports=reports, links=links: audit(images, reports, links),  # type: ignore[misc]
            full=lambda images=images, reports=reports, links=links: audit(images, reports, links, FULL),  # type: ignore[misc]
        )
        product = min(median["blocks"], median["strips"])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        against = {"cpu": product, "native": product, "whole": product, "full": median["cpu"]}
        cells = [
            f"{median[name]:8.2f} s = {median[name] / base:5.2f} ×" if name in median else "-"
            for name, base in against.items()
        ]
        print(f"{dimension:>5} {product:8.2f} s {' '.join(f'{cell:>22}' for cell in cells)} {peak:9.2f} GB",
              flush=True)  # fmt: skip
    values = np.random.default_rng(2).random((options.pairs, 40))
    draw = interleaved(
        options.runs, bootstrap=lambda: ClusterBootstrap.draw(values, links.patient, 10_000, 0).interval(0.95)
    )
    print(f"bootstrap, 10,000 replicates, {options.pairs:,} queries, 40 cells: {draw['bootstrap']:.2f} s, "
          f"{draw['bootstrap'] / product:.2f} × the last product")  # fmt: skip


if __name__ == "__main__":
    main()
