"""The audit's time as a ratio to the matrix product it cannot avoid: `python -m bench --only engines`.

Prints a row per width. Works run in turn, and each ratio is to the product of the same turn: the median over
turns, the least and the largest.

- product: the bare product over the same arrays, in blocks with all threads or in strips with one thread
  each, whichever is faster; median seconds;
- exact pass: one direction by the portable engine (cpu) and by the native one, vectors made ready included,
  as ratios to the product; the native column is empty where that engine cannot run;
- whole audit: pass, controls, every pool, intervals, as a ratio to the product;
- full audit: both directions, the ladder of hard negatives, the open set with its two scores, 2,000
  replicates, as a ratio to the product;
- the process's peak memory.

Then the bootstrap by itself: 10,000 replicates of 40 cells.
"""

import argparse
import resource
import statistics
from functools import partial

import numpy as np
import torch

from bench.planting import Array, described, planted
from bench.product import bare_product, bare_strips
from bench.timing import in_turn, interleaved, ratio
from relinkage.errors import InputError
from relinkage.linkage import AuditSettings, measure
from relinkage.linkage.engines import Engine, choose
from relinkage.linkage.engines.native import Native
from relinkage.linkage.ranks import count_ranks
from relinkage.linkage.uncertainty import ClusterBootstrap
from relinkage.linkage.vectors import Vectors

FULL = AuditSettings(direction="both", ladder=True, open_set=(0.003, 0.01, 0.1))


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
        measure(*small, described(600, 200), settings)
    kernel = f", native: {engines['native'].kernel}" if isinstance(engines.get("native"), Native) else ""
    threads = torch.get_num_threads()
    print(f"{options.pairs:,} × {options.pairs:,}, {options.runs} turns, {threads} threads{kernel}")
    columns = ("exact pass, cpu", "exact pass, native", "whole audit", "full audit")
    print(f"{'d':>5} {'product':>10} {' '.join(f'{column:>22}' for column in columns)} {'peak memory':>12}")
    for dimension in options.dimensions:
        images, reports = planted(options.pairs, dimension)
        links = described(options.pairs, options.patients)

        def exact_pass(engine: Engine, images: Array = images, reports: Array = reports) -> None:
            mate = np.arange(len(images))
            vectors = Vectors.prepare(images, "images"), Vectors.prepare(reports, "reports")
            count_ranks(*vectors, mate, engine=engine)

        seconds = in_turn(
            options.runs,
            blocks=lambda images=images, reports=reports: bare_product(images, reports),  # type: ignore[misc]
            strips=lambda images=images, reports=reports: bare_strips(images, reports),  # type: ignore[misc]
            **{name: partial(exact_pass, engine) for name, engine in engines.items()},
            whole=lambda images=images, reports=reports, links=links: measure(images, reports, links),  # type: ignore[misc]
            full=lambda images=images, reports=reports, links=links: measure(images, reports, links, FULL),  # type: ignore[misc]
        )
        products = [min(pair) for pair in zip(seconds["blocks"], seconds["strips"], strict=True)]
        product = statistics.median(products)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        cells = [
            ratio(seconds[name], products) if name in seconds else "-"
            for name in ("cpu", "native", "whole", "full")
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
