"""Head training's time as a ratio to the matrix products it cannot avoid: `python -m bench.aligning`.

A row per pair of feature widths, medians of interleaved runs in one process:

- products: what back-propagation multiplies in as many steps, into buffers that are there already: both
  layers of both heads forwards, their weights' gradients, the hidden layers' gradients, the table of logits
  and its two gradients; nothing else, on features that are in place;
- training: `train_heads` with the multi-task objective as `relinkage align` calls it, from features as
  they lie on disk to heads that take them, validation included;
- the process's peak memory.

What a process does once, such as importing torch's optimisers and loading compiled loops (some 3 s), is done
before; so is a first round of the products.

360,000 pairs, 5 passes and batches of 1,024 are the size that is spoken of; `--passes` takes a part of it.
"""

import argparse
import resource
from functools import partial

import numpy as np
import torch
from msgspec.structs import replace
from numpy.typing import NDArray

from bench.timing import interleaved
from relinkage.alignment import AlignSettings
from relinkage.alignment.multi_task import PairLabels
from relinkage.alignment.training import train_heads

WIDTHS = ((768, 768),)
"""Image and text features: BiomedCLIP's, the backbone of arXiv 2601.05399."""
LABELS = 14


def planted_features(pairs: int, widths: tuple[int, int], seed: int = 0) -> list[NDArray[np.float32]]:
    random = np.random.default_rng(seed)
    return [random.standard_normal((pairs, width), dtype=np.float32) for width in widths]


def planted_labels(pairs: int, seed: int = 1) -> PairLabels:
    positive = (np.random.default_rng(seed).random((pairs, LABELS)) < 0.06).astype(np.float32)
    return PairLabels(positive.any(axis=1).astype(np.float32), positive)


def products(widths: tuple[int, int], settings: AlignSettings, steps: int) -> None:
    n, hidden, dimension = settings.batch, settings.hidden, settings.dimension
    sides = []
    for width in widths:
        layers = torch.randn(hidden, width), torch.randn(dimension, hidden)
        outputs = [torch.empty(n, hidden), torch.empty(n, dimension)]
        gradients = [torch.empty_like(part) for part in (outputs[1], layers[1], outputs[0], layers[0])]
        sides.append((torch.randn(n, width), *layers, [*outputs, *gradients]))
    logits = torch.empty(n, n)
    for _ in range(steps):
        for features, first, second, (inner, outer, *_) in sides:
            torch.mm(features, first.T, out=inner)
            torch.mm(inner, second.T, out=outer)
        (image, text) = (side[3][1] for side in sides)
        torch.mm(image, text.T, out=logits)
        torch.mm(logits, text, out=sides[0][3][2])
        torch.mm(logits.T, image, out=sides[1][3][2])
        for features, _, second, (inner, _, gradient, last, before, weights) in sides:
            torch.mm(gradient.T, inner, out=last)
            torch.mm(gradient, second, out=before)
            torch.mm(before.T, features, out=weights)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=360_000)
    parser.add_argument("--passes", type=float, default=5)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    steps = round(options.passes * options.pairs / 1024)
    # No patience ends it: the time is that of all the steps.
    settings = AlignSettings(objective="multi-task", head="mlp", steps=steps, patience=1_000)
    patient = np.arange(options.pairs, dtype=np.int64) * 10 // 32
    labels = planted_labels(options.pairs)
    small = PairLabels(labels.abnormal[:4096], labels.positive[:4096])
    print(f"{options.pairs:,} pairs, {steps:,} steps of {settings.batch:,}, multi-task, {options.runs} runs")
    print(f"{'features':>12} {'products':>12} {'training':>22} {'peak memory':>12}")
    for widths in WIDTHS:
        features = planted_features(options.pairs, widths)
        products(widths, settings, 3)
        train_heads(*(side[:4096] for side in features), patient[:4096], replace(settings, steps=3), small)
        median = interleaved(
            options.runs,
            products=partial(products, widths, settings, steps),
            training=partial(train_heads, *features, patient, settings, labels),
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        ratio = f"{median['training']:8.2f} s = {median['training'] / median['products']:5.2f} ×"
        print(
            f"{widths[0]:>5} + {widths[1]:>4} {median['products']:10.2f} s {ratio:>22} {peak:9.2f} GB",
            flush=True,
        )
        del features


if __name__ == "__main__":
    main()
