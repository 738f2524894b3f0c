"""Area under the ROC curve by ranks, and its exact bootstrap over patients.

AUROC is the chance that a positive image scores above a negative one, ties counting half (Hanley & McNeil,
Radiology 1982; Mann-Whitney). Where patients are drawn with replacement, an image counts as often as its
patient is drawn, and the area of such a sample is a weighted sum over the images in the order of their
scores: they are sorted once, and a replicate is one pass over them. So every replicate is the AUROC of the
rows repeated, not an approximation to it.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit
from numpy.typing import NDArray

from relinkage.linkage.settings import Resampling
from relinkage.linkage.uncertainty import ClusterBootstrap, draw_patients
from relinkage.utility.labels import Truth, count_patients

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_CHUNK = 64
"""Replicates that one pass over the images makes: as many as fill a few vector registers."""


def auroc(scores: Floats, truth: Truth) -> Floats:
    """Give the AUROC of every label.

    Args:
        scores: float64, shape (images, labels).
        truth: int8, shape (images, labels): 1 positive, 0 negative, -1 left out.

    Returns:
        float64, shape (labels,): NaN where a label has no positive or no negative image.
    """
    everyone = np.zeros(len(scores), np.int64)
    return np.array(
        [
            _areas(*_in_order(column, true, everyone), np.ones((1, 1)))[0]
            for column, true in zip(scores.T, truth.T, strict=True)
        ]
    )


def auroc_replicates(scores: Floats, truth: Truth, patient: Ints, replicates: int, seed: int) -> Floats:
    """Draw patients with replacement and give the AUROC of each draw.

    The same seed draws the same patients, so that replicates of several scorers on the same images pair up.

    Args:
        scores: float64, shape (images, labels).
        truth: int8, shape (images, labels): 1 positive, 0 negative, -1 left out.
        patient: int64, shape (images,): patients numbered from 0 on without a gap.
        replicates: how many times to draw.
        seed: of the draws.

    Returns:
        float64, shape (replicates, labels): NaN where a draw has no positive or no negative image.
    """
    sorted_labels = [_in_order(column, true, patient) for column, true in zip(scores.T, truth.T, strict=True)]
    out = np.empty((replicates, scores.shape[1]))
    start = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for weights in patient_draws(int(patient.max()) + 1, replicates, seed):
            stop = start + weights.shape[1]
            areas = [pool.submit(_areas, *label, weights) for label in sorted_labels]
            for place, area in enumerate(areas):
                out[start:stop, place] = area.result()
            start = stop
    return out


def patient_draws(patients: int, replicates: int, seed: int) -> Iterator[Floats]:
    """Draw as many patients as there are, with replacement, as the intervals of linkage figures do.

    Yields:
        float64, shape (patients, up to 64 replicates): how often each patient was drawn.
    """
    stream = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
    for start in range(0, replicates, _CHUNK):
        weights = np.empty((min(_CHUNK, replicates - start), patients))
        draw_patients(stream, start, weights)
        yield np.ascontiguousarray(weights.T)


def auroc_bootstrap(scores: Floats, truth: Truth, patient: Ints, resampling: Resampling) -> ClusterBootstrap:
    """Give the AUROC of every label and, last, their mean (macro AUROC), with bootstrap replicates.

    Intervals are those of every other figure: percentiles widened for few patients, and Clopper-Pearson at
    the effective number of images where the area lies so near 0 or 1 that percentiles have no width. What
    counts as few is the smaller of the numbers of patients with a positive and with a negative image; for
    the mean it is all patients.

    Args:
        scores: float64, shape (images, labels).
        truth: int8, shape (images, labels), each label with positive and negative images.
        patient: int64, shape (images,): patients numbered from 0 on without a gap.
        resampling: how intervals are made.
    """
    areas = auroc(scores, truth)
    drawn = auroc_replicates(scores, truth, patient, resampling.replicates, resampling.seed)
    fewest = np.minimum(*count_patients(truth, patient))
    areas, drawn = np.append(areas, areas.mean()), np.column_stack([drawn, drawn.mean(axis=1)])
    patients = np.append(fewest, len(np.unique(patient)))
    variance = np.nanvar(drawn, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = areas * (1 - areas) / variance
    effective = np.where(variance > 0, np.minimum(effective, len(scores)), patients)
    return ClusterBootstrap(areas, drawn, patients, effective)


def _in_order(
    scores: Floats, truth: NDArray[np.int8], patient: Ints
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Sort the images that count: patient, whether positive, and whether it ends a run of tied scores."""
    inside = np.flatnonzero(truth >= 0)
    order = inside[np.argsort(scores[inside], kind="stable")]
    ends = np.append(scores[order][1:] != scores[order][:-1], True)[: len(order)]
    return patient[order], truth[order] == 1, ends


@njit(nogil=True, cache=True)
def _areas(
    patient: NDArray[np.int64], positive: NDArray[np.bool_], ends: NDArray[np.bool_], weights: Floats
) -> Floats:
    """Weighted AUROC of several sets of weights at once; sums of whole numbers, so exact in float64."""
    replicates = weights.shape[1]
    area, below, above = np.zeros(replicates), np.zeros(replicates), np.zeros(replicates)
    tied_positive, tied_negative = np.zeros(replicates), np.zeros(replicates)
    for image in range(len(patient)):
        row = patient[image]
        if positive[image]:
            for r in range(replicates):
                tied_positive[r] += weights[row, r]
        else:
            for r in range(replicates):
                tied_negative[r] += weights[row, r]
        if ends[image]:
            for r in range(replicates):
                area[r] += tied_positive[r] * (2 * below[r] + tied_negative[r])
                below[r] += tied_negative[r]
                above[r] += tied_positive[r]
                tied_positive[r] = 0.0
                tied_negative[r] = 0.0
    for r in range(replicates):
        pairs = 2 * below[r] * above[r]
        area[r] = area[r] / pairs if pairs > 0 else np.nan
    return area
