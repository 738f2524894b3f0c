"""Arrays and tables to measure on: a weak link, a narrow cone, many reports alike."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from relinkage.linkage import Links

Array = NDArray[np.float32]

LABELS = (0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.03, 0.02, 0.02, 0.01, 0.01, 0.01, 0.01)
"""How frequent each of 14 labels is."""


def planted(pairs: int, dimension: int, seed: int = 0) -> tuple[Array, Array]:
    """Images and reports with a weak link, a common direction, and a twelfth of the reports alike."""
    random = np.random.default_rng(seed)
    images = random.standard_normal((pairs, dimension), dtype=np.float32)
    reports = 0.3 * images + random.standard_normal((pairs, dimension), dtype=np.float32)
    images += 0.5
    reports -= 0.5
    reports[random.integers(0, pairs, pairs // 12)] = reports[0]
    return images, reports


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
