"""Private training's time as a ratio to the same training without privacy: `python -m bench.hardening`.

A row per training, medians of interleaved steps in one process:

- plain: gradient descent on the same loss over patients drawn alike; no clipping, no noise, nothing secret;
- private: a step of `train_privately`, label-anchored: fresh coins, clipped patients, noise;
- the process's peak memory.

360,000 pairs by default, image features of 512 and text features of 768 dimensions; a step takes about 1,024
pairs, of as many patients as that makes.
"""

import argparse
import copy
import resource

import numpy as np
import torch

from bench.timing import interleaved
from relinkage.encoders.heads import HeadPair, HeadSpec
from relinkage.privacy.mechanisms import LabelAnchored
from relinkage.privacy.noise import coins
from relinkage.privacy.training import Plan, PrivatePairs, train_privately
from relinkage.privacy.units import units_of

IMAGES, TEXTS, LABELS = 512, 768, 14
BATCH = 1024


def planted_pairs(pairs: int, patients: int, seed: int = 0) -> PrivatePairs:
    random = np.random.default_rng(seed)
    patient = random.integers(0, patients, pairs)
    patient = np.unique(patient, return_inverse=True)[1]
    return PrivatePairs(
        torch.from_numpy(random.standard_normal((pairs, IMAGES), dtype=np.float32)),
        torch.from_numpy(random.standard_normal((pairs, TEXTS), dtype=np.float32)),
        np.arange(pairs),
        torch.from_numpy((random.random((pairs, LABELS)) < 0.15).astype(np.float32)),
        units_of(patient, patient.astype(np.uint64), "patient", None),
    )


def compared(pairs: PrivatePairs, steps: int, each: int) -> dict[str, float]:
    """Median seconds of `each` plain and private steps."""
    count = len(pairs.units)
    rate = min(BATCH / len(pairs.images), 1.0)
    mechanism = LabelAnchored(torch.eye(LABELS), torch.full((LABELS,), 0.15))
    start = HeadPair(HeadSpec("linear", IMAGES, LABELS), HeadSpec("linear", TEXTS, LABELS)).eval()
    plain_heads, private_heads = copy.deepcopy(start), copy.deepcopy(start)
    optimiser = torch.optim.SGD(plain_heads.parameters(), lr=1e-3)
    random, secret = np.random.default_rng(1), coins(None)
    plan = Plan(rate, each, 0.5, 4.0, rate * count, 1e-3)

    def plain() -> None:
        for step in range(each):
            chosen = np.flatnonzero(random.random(count) < rate)
            batch = pairs.batch(chosen, step, secret, one_pair=False)
            images, texts = plain_heads.image(batch.images), plain_heads.text(batch.texts)
            loss = mechanism.loss(images, texts, batch, plain_heads) / len(batch.owner)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()

    def private() -> None:
        train_privately(private_heads, mechanism, pairs, plan, secret, quiet=True)

    plain()
    private()  # compiles
    return interleaved(steps, plain=plain, private=private)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=360_000)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--steps", type=int, default=8, help="Steps a run.")
    options = parser.parse_args()
    print(
        f"{options.pairs:,} pairs, label-anchored, {options.runs} interleaved runs of {options.steps} steps"
    )
    print(f"{'patients':>9} {'plain step':>12} {'private step':>22} {'peak memory':>12}")
    for patients in (options.pairs, options.pairs * 10 // 32):
        pairs = planted_pairs(options.pairs, patients)
        median = {
            name: seconds / options.steps
            for name, seconds in compared(pairs, options.runs, options.steps).items()
        }
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        ratio = f"{1000 * median['private']:8.2f} ms = {median['private'] / median['plain']:5.2f} ×"
        print(
            f"{len(pairs.units):>9,} {1000 * median['plain']:9.2f} ms {ratio:>22} {peak:9.2f} GB", flush=True
        )
        del pairs


if __name__ == "__main__":
    main()
