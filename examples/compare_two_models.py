"""Compare two models on the same pairs: paired differences, with intervals and p-values."""

import numpy as np

import relinkage as rl

random = np.random.default_rng(0)
findings = random.normal(size=(800, 16))
pairs = rl.Pairs(patient=np.arange(800) // 2)


def embeddings(noise):
    """Stand in for a model: images and reports that share their findings but for some noise."""
    return [findings + noise * random.normal(size=findings.shape) for _ in range(2)]


before = rl.audit(*embeddings(0.4), pairs, name="before", pool=[100], k=1)
after = rl.audit(*embeddings(0.8), pairs, name="after", pool=[100], k=1)
comparison = rl.compare(before, after)
print(comparison)
print(comparison.to_frame().select("name", "pool", "before", "after", "difference", "p"))
