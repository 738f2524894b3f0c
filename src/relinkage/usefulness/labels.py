"""What is true of an image by the labels of its report, and which labels enough patients have."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from relinkage.cohorts.labels import NEGATIVE, POSITIVE, UNCERTAIN
from relinkage.usefulness.result import LabelUse
from relinkage.usefulness.settings import Absent, Uncertain

Truth = NDArray[np.int8]
Ints = NDArray[np.int64]

LEFT_OUT = -1
_CODES = {"positive": 1, "negative": 0, "left-out": LEFT_OUT}


def read_truth(pairs: pl.DataFrame, labels: Sequence[str], uncertain: Uncertain, absent: Absent) -> Truth:
    """Turn label columns into what is true of each image.

    Args:
        pairs: label columns with 1, 0, -1 and empty cells, a row per image.
        labels: their names.
        uncertain: what -1 counts as.
        absent: what an empty cell counts as.

    Returns:
        int8, shape (images, labels): 1 positive, 0 negative, -1 left out.
    """
    truth = np.empty((len(pairs), len(labels)), np.int8)
    for place, label in enumerate(labels):
        values = pairs[label].cast(pl.Float64)
        codes = values.replace_strict(
            {POSITIVE: 1, NEGATIVE: 0, UNCERTAIN: _CODES[uncertain]}, default=None, return_dtype=pl.Int8
        )
        truth[:, place] = codes.fill_null(_CODES[absent]).to_numpy()
    return truth


def count_patients(truth: Truth, patient: Ints) -> tuple[Ints, Ints]:
    """Count patients with at least one positive image, and with at least one negative one, per label.

    Args:
        truth: int8, shape (images, labels).
        patient: int64, shape (images,): a number per patient.

    Returns:
        int64, shape (labels,), twice.
    """
    counts = [
        np.array([len(np.unique(patient[column == value])) for column in truth.T], np.int64)
        for value in (1, 0)
    ]
    return counts[0], counts[1]


def label_uses(
    labels: Sequence[str], fit: tuple[Ints, Ints], test: tuple[Ints, Ints], least: int
) -> list[LabelUse]:
    """Say of every label how many patients it rests on and whether it is kept.

    Args:
        labels: names.
        fit: what `count_patients` gives for the fit split.
        test: the same for the test split.
        least: patients that each of the four numbers must reach.
    """
    counts = zip(labels, *(numbers.tolist() for numbers in (*fit, *test)), strict=True)
    return [
        LabelUse(
            label=label,
            fit_positive=a,
            fit_negative=b,
            test_positive=c,
            test_negative=d,
            kept=min(a, b, c, d) >= least,
        )
        for label, a, b, c, d in counts
    ]
