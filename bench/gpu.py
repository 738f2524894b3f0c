"""The GPU engine's rate as a share of the matrix product's: `python -m bench.gpu`, on a machine with a GPU.

A row per width and way to cut the work, medians of interleaved runs:

- product: torch.matmul of the same arrays in float16, a block of rows at a time into one buffer;
- engine: all counts of one direction, from arrays in the machine's memory to integers there;
- share: the product's time over the engine's, so 1.00 is the rate of the bare product.

Before it is measured, the engine's counts for some rows are compared with those of the processor. Then
`--large` pairs at d = 128, once, with the peak of the device's memory.
"""

import argparse
import sys
import time
from functools import partial

import numpy as np
import torch

from bench.__main__ import interleaved, planted
from relinkage.linkage.engines import Mates, Portable, Question
from relinkage.linkage.engines.gpu import Gpu, Shape, missing
from relinkage.linkage.scores_and_ties import paired_cosines
from relinkage.linkage.vectors import Vectors

SHAPES = (Shape(), Shape(rows=4096, columns=8192), Shape(rows=16_384, columns=16_384))
_BLOCK = 8192


def question(pairs: int, dimension: int) -> Question:
    images, reports = (Vectors.prepare(side, "planted") for side in planted(pairs, dimension))
    mate = np.arange(pairs)
    score = paired_cosines(images.given, images.inverse_norm, mate, reports.given, reports.inverse_norm, mate)
    mates = Mates(mate, reports.identity[mate], score)
    none = np.empty((0, pairs), np.int64)
    return Question(images, reports, mates, None, none, none, (images.mean, reports.mean))


def product(a: torch.Tensor, b: torch.Tensor, out: torch.Tensor) -> None:
    for start in range(0, len(a), _BLOCK):
        block = a[start : start + _BLOCK]
        torch.matmul(block, b.T, out=out[: len(block)])
    torch.cuda.synchronize()


def halves(asked: Question) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    a, b = (torch.from_numpy(side.given).cuda().half() for side in (asked.rows, asked.columns))
    return a, b, torch.empty((min(_BLOCK, len(a)), len(b)), dtype=torch.float16, device="cuda")


def answer(engine: Gpu, asked: Question) -> None:
    engine.count(asked)
    torch.cuda.synchronize()


def assert_exact(engine: Gpu, asked: Question, rows: int = 512) -> None:
    some = asked.part(slice(0, min(rows, len(asked.rows))), slice(0, len(asked.columns)))
    ours, true = engine.count(some), Portable().count(some)
    if not (np.array_equal(ours.above, true.above) and np.array_equal(ours.ties, true.ties)):
        sys.exit("The GPU engine's counts differ from the processor's; do not use it on this device.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=200_000)
    parser.add_argument("--large", type=int, default=1_000_000, help="0 leaves it out")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--dimensions", type=int, nargs="+", default=[128, 512])
    options = parser.parse_args()
    if reason := missing():
        sys.exit(reason)
    device = torch.cuda.get_device_name()
    print(f"{options.pairs:,} × {options.pairs:,}, {options.runs} interleaved runs, medians; {device}")
    print(f"{'d':>5} {'rows':>6} {'columns':>8} {'product':>10} {'engine':>10} {'share':>6}")
    best = {}
    for dimension in options.dimensions:
        asked = question(options.pairs, dimension)
        for shape in SHAPES:
            engine = Gpu(shape=shape)
            assert_exact(engine, asked)
            bare = halves(asked)
            product(*bare)
            median = interleaved(
                options.runs, product=partial(product, *bare), engine=partial(answer, engine, asked)
            )
            share = median["product"] / median["engine"]
            best[dimension] = max(best.get(dimension, (0.0, shape)), (share, shape), key=lambda pair: pair[0])
            print(f"{dimension:>5} {shape.rows:>6} {shape.columns:>8} {median['product']:8.3f} s "
                  f"{median['engine']:8.3f} s {share:6.2f}", flush=True)  # fmt: skip
            del bare
    if options.large:
        shape = best.get(128, (0.0, Shape()))[1]
        asked = question(options.large, 128)
        engine = Gpu(shape=shape)
        assert_exact(engine, asked)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        start = time.perf_counter()
        answer(engine, asked)
        seconds, peak = time.perf_counter() - start, torch.cuda.max_memory_allocated() / 2**30
        bare = halves(asked)
        product(*bare)
        start = time.perf_counter()
        product(*bare)
        share = (time.perf_counter() - start) / seconds
        print(f"{options.large:,} × {options.large:,} at d = 128: {seconds:.2f} s, {share:.2f} of the "
              f"product's rate, {peak:.1f} GiB of the device")  # fmt: skip


if __name__ == "__main__":
    main()
