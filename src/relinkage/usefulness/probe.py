"""Linear probes: logistic regression of every label on frozen vectors, all labels at once.

For each label the mean cross-entropy over its images plus penalty/2 · ‖w‖² is minimised, with vectors
standardised by the fit split and no penalty on the intercept (Alain & Bengio 2017, arXiv 1610.01644, for
probes; Radford et al. 2021, section 3.2, for CLIP). The problem is strictly convex in w, so the answer does
not depend on the solver: L-BFGS, in the axes of the vectors' covariance and scaled by the curvature that the
base rate of a label gives, where it needs some dozen passes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from relinkage.embeddings.scaling import divisors
from relinkage.usefulness.auroc import auroc
from relinkage.usefulness.labels import Truth
from relinkage.usefulness.minimising import minimise

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Probe:
    """A logistic regression per label.

    Attributes:
        weights: float64, shape (dimensions, labels): for vectors as they are.
        intercept: float64, shape (labels,).
        penalty: the L2 penalty on the weights of standardised vectors.
        chosen_at: macro AUROC of each penalty tried on the patients set aside for choosing, in their order.
    """

    weights: Floats
    intercept: Floats
    penalty: float
    chosen_at: tuple[float, ...]

    def scores(self, vectors: NDArray[np.float32]) -> Floats:
        """Give the log-odds of every label: float64, shape (images, labels)."""
        return vectors.astype(np.float64) @ self.weights + self.intercept


def fit_probe(
    vectors: NDArray[np.float32], truth: Truth, aside: Bools, penalties: tuple[float, ...]
) -> Probe:
    """Fit a probe, its penalty chosen on patients set aside, and then fitted on all.

    One penalty serves all labels: the one with the highest macro AUROC on the images set aside, the largest
    of equals.

    Args:
        vectors: float32, shape (images, dimensions).
        truth: int8, shape (images, labels): 1 positive, 0 negative, -1 left out.
        aside: bool, shape (images,): images of the patients on whom the penalty is chosen.
        penalties: what is tried.
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    deviation = divisors(mean, vectors.std(axis=0, dtype=np.float64))
    order = np.argsort(aside, kind="stable")
    fitted = int((~aside).sum())
    rows = vectors[order].astype(np.float64)
    rows -= mean
    rows /= deviation
    variances, axes = np.linalg.eigh(rows.T @ rows / len(rows))
    rows, truth = rows @ axes, truth[order]

    descending = sorted(penalties, reverse=True)
    chosen_at: dict[float, float] = {}
    whole = _Problem(rows, truth, variances)
    best, begin = descending[0], whole.start()
    if len(descending) > 1 and 0 < fitted < len(rows):
        part = _Problem(rows[:fitted], truth[:fitted], variances)
        found = part.start()
        for penalty in descending:
            found = part.solve(penalty, *found, tolerance=1e-4)
            areas = auroc(rows[fitted:] @ found[0] + found[1], truth[fitted:])
            chosen_at[penalty] = float(np.nanmean(areas)) if not np.isnan(areas).all() else 0.5
            if chosen_at[penalty] > chosen_at.get(best, 0) or penalty == best:
                best, begin = penalty, found
    weights, intercept = whole.solve(best, *begin, tolerance=1e-7)
    weights = axes @ weights / deviation[:, None]
    tried = tuple(chosen_at[penalty] for penalty in penalties if chosen_at)
    return Probe(weights, intercept - mean @ weights, best, tried)


class _Problem:
    """The fit of all labels on some rows, which lie in the axes of their covariance."""

    def __init__(self, rows: Floats, truth: Truth, variances: Floats) -> None:
        self._rows, self._variances = rows, np.maximum(variances, 0)
        counted = truth >= 0
        self._positive = truth == 1
        self._images = np.maximum(counted.sum(axis=0), 1)
        self._share = counted / self._images

    def start(self) -> tuple[Floats, Floats]:
        """Give weights (dimensions, labels) and intercepts (labels,) that know the base rates alone."""
        # Half an image more of each kind, so that a label that all images share has a base rate below 1.
        rate = (self._positive.sum(axis=0) + 0.5) / (self._images + 1)
        return np.zeros((self._rows.shape[1], len(rate))), np.log(rate / (1 - rate))

    def solve(
        self, penalty: float, weights: Floats, intercept: Floats, tolerance: float
    ) -> tuple[Floats, Floats]:
        """Minimise, starting from some weights and intercepts, until no slope is above the tolerance."""
        rate = expit(self._rows @ weights + intercept)
        curvature = np.maximum((rate * (1 - rate) * self._share).sum(axis=0), 1e-6)
        scale = 1 / np.sqrt(np.vstack([self._variances[:, None] * curvature + penalty, curvature]))

        def value(scaled: Floats) -> tuple[Floats, Floats]:
            w, b = scaled[:-1] * scale[:-1], scaled[-1] * scale[-1]
            logits = self._rows @ w
            logits += b
            # One exponential serves the loss log(1 + exp(±logit)) and the rate 1 / (1 + exp(−logit)).
            small = np.exp(-np.abs(logits))
            loss = np.log1p(small) + np.maximum(np.where(self._positive, -logits, logits), 0)
            error = (np.where(logits >= 0, 1, small) / (1 + small) - self._positive) * self._share
            slope = np.vstack([self._rows.T @ error + penalty * w, error.sum(axis=0)])
            return (loss * self._share).sum(axis=0) + penalty / 2 * (w**2).sum(axis=0), slope * scale

        found = minimise(value, np.vstack([weights, intercept]) / scale, tolerance) * scale
        return found[:-1], found[-1]
