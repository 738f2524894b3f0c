"""The label vocabulary of chest radiography, and what a label's values mean."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

CHEXPERT_LABELS = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Enlarged Cardiomediastinum",
    "Fracture",
    "Lung Lesion",
    "Lung Opacity",
    "No Finding",
    "Pleural Effusion",
    "Pleural Other",
    "Pneumonia",
    "Pneumothorax",
    "Support Devices",
)
"""The 14 CheXpert labels (Irvin et al. 2019), in alphabetical order. Index by name: data sets order them
differently."""

POSITIVE, NEGATIVE, UNCERTAIN = 1, 0, -1
"""The values of a label; an absent value (null) means that the report does not mention it."""

NO_FINDING, NO_DISEASE = "No Finding", ("No Finding", "Support Devices")
"""The label of a report without findings, and the labels that name no disease."""


def abnormality(pairs: pl.DataFrame, labels: Sequence[str]) -> NDArray[np.float32]:
    """Say which pairs are abnormal: float32, shape (n,), 1 abnormal, 0 normal, NaN where it is not known.

    Abnormal is where some finding is positive. Normal is where none is positive or uncertain and, if there
    is a label `No Finding`, where that is positive too. Support devices are not a finding.

    Args:
        pairs: label columns with 1, 0, -1 and empty cells, a row per pair.
        labels: their names.
    """
    values = pairs.select(pl.col(list(labels)).cast(pl.Float64).fill_null(0.0))
    findings = values.select([label for label in labels if label not in NO_DISEASE]).to_numpy()
    findings = findings.reshape(len(pairs), -1)
    abnormal, unsure = (findings == POSITIVE).any(axis=1), (findings == UNCERTAIN).any(axis=1)
    normal = ~abnormal & ~unsure
    if NO_FINDING in labels:
        normal &= values[NO_FINDING].to_numpy() == POSITIVE
    return np.where(abnormal, 1.0, np.where(normal, 0.0, np.nan)).astype(np.float32)
