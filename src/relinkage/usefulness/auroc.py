"""Area under the ROC curve by ranks, and its exact bootstrap over patients.

AUROC is the chance that a positive image scores above a negative one, ties counting half (Hanley & McNeil,
Radiology 1982; Mann-Whitney). A score ties with the next within 2⁻⁴⁰: matrix products round equal rows
differently by where they stand, and would tell equal images apart. Where patients are drawn with replacement,
an image counts as often as its patient is drawn, and the area of such a sample is a weighted sum over the
images in the order of their scores: they are sorted once, and a replicate is one pass over them. So every
replicate is the AUROC of the rows repeated, not an approximation to it.

An area rests on the rarer class, and few positives that were lucky look alike: then replicates vary too
little. `AreaBootstrap` allows for it.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, stdtrit

from relinkage.compiled import compiled
from relinkage.linkage.scores_and_ties import TIE
from relinkage.linkage.settings import Resampling
from relinkage.linkage.uncertainty import FEW as FEW_HITS
from relinkage.linkage.uncertainty import ClusterBootstrap, clopper_pearson, draw_patients, evened
from relinkage.usefulness.labels import Truth, count_patients

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_CHUNK = 64
"""Replicates that one pass over the images makes: as many as fill a few vector registers."""
VERY_FEW, FEW = 10, 50
"""Up to so many patients of the rarer class the interval is Student's; up to so many it is checked."""
_IMAGES_EACH = 4
"""Images' worth of information that a patient of the rarer class holds at most."""
_STEADIEST = 20
"""No standard error is believed that would need more images' worth a patient of the rarer class."""


@dataclass(frozen=True)
class AreaBootstrap(ClusterBootstrap):
    """Bootstrap replicates of areas, whose intervals allow for few positives or few negatives.

    With g effective patients of the rarer class, and A the area:

    - g ≤ 10: Student's interval with g − 1 degrees of freedom on the logit of A, from the replicates'
      standard error, but no less than √(A (1 − A) / 20 g);
    - g ≤ 50, and fewer than ten hits or misses among 4 g images: the interval of every other figure, or
      Clopper-Pearson at no more than 4 g images, whichever is wider;
    - else: the interval of every other figure.

    Of 500 simulated cohorts with normal scores and one or three images a patient (images of one correlated),
    95 % intervals held the truth in 94 to 100 % with 5 or 10 positive patients and in 93 to 100 % with 20
    or 50, at areas of 0.7 to 0.99. Replicates alone held it in as few as 81 %.
    """

    def take(self, cells: slice | Ints) -> "AreaBootstrap":
        """Keep some of the cells."""
        return AreaBootstrap(**vars(super().take(cells)))

    def _ends(self, cell: int, few: bool, level: float) -> tuple[float, float]:
        usual = super()._ends(cell, few, level)
        rarer = float(self.effective_patients[cell])
        if rarer > FEW or rarer < 2:
            return usual
        area, error = float(self.means[cell]), float(np.nanstd(self.replicates[:, cell]))
        if rarer > VERY_FEW or error == 0:
            most = min(float(self.effective[cell]), _IMAGES_EACH * rarer)
            if most * min(area, 1 - area) >= FEW_HITS:
                return usual
            exact = clopper_pearson(area, most, rarer, level)
            return max(usual, exact, key=lambda ends: ends[1] - ends[0])
        steps = -float(stdtrit(rarer - 1, (1 - level) / 2))
        edge = 0.25 / rarer  # the logit of 1 is infinite: a quarter of a patient is taken for lost
        low = _logit_end(min(area, 1 - edge), error, -steps, rarer)
        high = _logit_end(max(area, edge), error, steps, rarer)
        return low, high


def _logit_end(area: float, error: float, steps: float, rarer: float) -> float:
    """Go some standard errors from an area, on the logarithm of its odds."""
    spread = area * (1 - area)
    if spread == 0:
        return area
    error = max(error, (spread / (_STEADIEST * rarer)) ** 0.5)
    return float(expit(logit(area) + steps * error / spread))


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


def auroc_bootstrap(scores: Floats, truth: Truth, patient: Ints, resampling: Resampling) -> AreaBootstrap:
    """Give the AUROC of every label and, last, their mean (macro AUROC), with bootstrap replicates.

    What counts as few is the smaller of the effective numbers of patients with a positive and with a negative
    image. Of the mean it is the labels' own number, weighted by how much each varies, times as many labels as
    vary independently: one where all rise and fall together, all of them where none has to do with another.

    Args:
        scores: float64, shape (images, labels).
        truth: int8, shape (images, labels), each label with positive and negative images.
        patient: int64, shape (images,): patients numbered from 0 on without a gap.
        resampling: how intervals are made.
    """
    areas = auroc(scores, truth)
    drawn = auroc_replicates(scores, truth, patient, resampling.replicates, resampling.seed)
    everyone = len(np.unique(patient))
    rarer = np.minimum(*(evened(_images(truth == value, patient)) for value in (1, 0)))
    deviation, together = np.nanstd(drawn, axis=0), np.nanstd(drawn.mean(axis=1))
    if together > 0:
        apart = (deviation.mean() / together) ** 2
        all_labels = apart * float(np.average(rarer, weights=deviation))
    else:
        all_labels = float(rarer.min())
    effective_patients = np.append(rarer, min(all_labels, everyone))
    areas, drawn = np.append(areas, areas.mean()), np.column_stack([drawn, drawn.mean(axis=1)])
    patients = np.append(np.minimum(*count_patients(truth, patient)), everyone)
    variance = np.nanvar(drawn, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = areas * (1 - areas) / variance
    effective = np.where(variance > 0, np.minimum(effective, len(scores)), effective_patients)
    return AreaBootstrap(areas, drawn, patients, effective_patients, effective)


def _images(chosen: NDArray[np.bool_], patient: Ints) -> Floats:
    """Count each patient's images that were chosen, per label: float64, shape (patients, labels)."""
    counts = [np.bincount(patient[column], minlength=int(patient.max()) + 1) for column in chosen.T]
    return np.stack(counts, axis=1).astype(np.float64)


def _in_order(
    scores: Floats, truth: NDArray[np.int8], patient: Ints
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Sort the images that count: patient, whether positive, and whether it ends a run of tied scores."""
    inside = np.flatnonzero(truth >= 0)
    order = inside[np.argsort(scores[inside], kind="stable")]
    ends = np.append(np.diff(scores[order]) > TIE, True)[: len(order)]
    return patient[order], truth[order] == 1, ends


@compiled
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
