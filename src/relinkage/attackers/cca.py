"""Regularised canonical correlation analysis, scored by the likelihood ratio of mates against strangers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from relinkage.attackers.augmentation import augment
from relinkage.attackers.cross_validation import (
    FOLDS,
    criterion,
    doubling,
    folds,
    largest_rank,
    mean_log_rank,
)
from relinkage.attackers.principal import Principal
from relinkage.attackers.protocol import AuxiliaryPairs, Floats, Pools, Vectors
from relinkage.progress import progress

PENALTIES = (100.0, 10.0, 1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5)
"""Tried from the strongest, each times the mean variance of a side's dimensions."""

_NEARLY_ONE = 0.999
"""Correlations are cut there: at 1 the ratio of a pair that differs at all is minus infinity."""


@dataclass(frozen=True)
class Cca:
    """Find the directions that correlate most across the sides, and weigh them as a Gaussian model says.

    Canonical correlations of a fit are too high on the pairs it was fitted on, so those that go into the
    score, and the variances, are measured on held-out pairs. Penalty and number of components are chosen on
    held-out pairs too, with correlations from the other folds.

    Attributes:
        seed: of the folds.
    """

    seed: int = 0
    needs_pairs: ClassVar[bool] = True
    uses_pairs: ClassVar[bool] = False
    pools: ClassVar[Pools] = "every"
    one_space: ClassVar[bool] = False
    looked_at: ClassVar[int] = FOLDS

    def fit(self, known: AuxiliaryPairs | None) -> "FittedCca":
        """Fit directions and correlations; see `Family.fit`."""
        pairs = AuxiliaryPairs.enough(known)
        return self._best(pairs, PENALTIES, doubling(largest_rank(pairs, self.seed)))

    def again(self, fitted: "FittedCca", known: AuxiliaryPairs) -> "FittedCca":
        """Fit other directions with the same penalty and number of components; see `Learner.again`."""
        components = min(len(fitted.held_out.products), largest_rank(known, self.seed))
        return self._best(known, (fitted.penalty,), (components,))

    def _best(self, pairs: AuxiliaryPairs, penalties: Sequence[float], grid: Sequence[int]) -> "FittedCca":
        parts = [(pairs.take(fitted), pairs.take(held)) for fitted, held in folds(pairs.patient, self.seed)]
        families = [(_family(fitted), held) for fitted, held in parts]
        best: tuple[float, float, int, Moments] | None = None
        with progress(len(penalties) * len(parts), "fitting cca", "folds") as bar:
            for penalty in penalties:
                variates = []
                for family, held in families:
                    at = family(penalty)
                    variates.append((at.of_images(held.images, grid[-1]), at.of_texts(held.texts, grid[-1])))
                    bar.update()
                patients = [held.patient for _, held in families]
                moments = [Moments.of(*sides) for sides in variates]
                for components, rank in zip(grid, _ranks(variates, patients, moments, grid), strict=True):
                    if best is None or rank < best[0]:
                        best = rank, penalty, components, Moments.sum(moments)
        assert best is not None
        _, penalty, components, held_out = best
        return FittedCca(_family(pairs)(penalty), held_out.first(components), penalty)


@dataclass(frozen=True)
class Directions:
    """Linear maps from each side's vectors to its canonical variates, the highest correlation first.

    Attributes:
        image_mean: float64, shape (image width,).
        text_mean: float64, shape (text width,).
        images: float64, shape (image width, r).
        texts: float64, shape (text width, r).
    """

    image_mean: Floats
    text_mean: Floats
    images: Floats
    texts: Floats

    def of_images(self, images: Vectors, components: int) -> Floats:
        """Give the images' first variates: float64, shape (n, components), zero beyond the r there are."""
        return _widened((images - self.image_mean) @ self.images[:, :components], components)

    def of_texts(self, texts: Vectors, components: int) -> Floats:
        """Give the texts' first variates, likewise."""
        return _widened((texts - self.text_mean) @ self.texts[:, :components], components)


@dataclass(frozen=True)
class Moments:
    """Sums over held-out pairs, a value per component.

    Attributes:
        pairs: how many.
        image_squares: float64, shape (r,): Σ a².
        text_squares: float64, shape (r,): Σ b².
        products: float64, shape (r,): Σ ab.
    """

    pairs: int
    image_squares: Floats
    text_squares: Floats
    products: Floats

    @classmethod
    def of(cls, images: Floats, texts: Floats) -> "Moments":
        """Add up variates of pairs, both of shape (n, r)."""
        return cls(len(images), (images**2).sum(0), (texts**2).sum(0), (images * texts).sum(0))

    @classmethod
    def sum(cls, parts: Sequence["Moments"]) -> "Moments":
        """Add up moments of several folds."""
        return cls(
            sum(part.pairs for part in parts),
            np.sum([part.image_squares for part in parts], axis=0),
            np.sum([part.text_squares for part in parts], axis=0),
            np.sum([part.products for part in parts], axis=0),
        )

    def first(self, components: int) -> "Moments":
        """Keep the first components."""
        return Moments(
            self.pairs,
            self.image_squares[:components],
            self.text_squares[:components],
            self.products[:components],
        )

    @property
    def deviations(self) -> tuple[Floats, Floats]:
        """Root mean squares of both sides, 1 where a component does not vary."""
        roots = (np.sqrt(squares / self.pairs) for squares in (self.image_squares, self.text_squares))
        images, texts = (np.where(root > 0, root, 1.0) for root in roots)
        return images, texts

    @property
    def correlations(self) -> Floats:
        """Correlations within [0, 0.999]; one below 0 on held-out pairs is no evidence of a link."""
        images, texts = self.deviations
        return np.clip(self.products / (self.pairs * images * texts), 0.0, _NEARLY_ONE)


@dataclass(frozen=True)
class FittedCca:
    """Directions of the fit on all auxiliary pairs, with what held-out pairs say about them.

    Attributes:
        directions: maps to canonical variates.
        held_out: moments of the variates that are used.
        penalty: as a multiple of the mean variance of a side's dimensions.
    """

    directions: Directions
    held_out: Moments
    penalty: float

    @property
    def settings(self) -> Mapping[str, Any]:
        """Say what was chosen and how strong the first correlations are on held-out pairs."""
        correlations = self.held_out.correlations
        return {
            "penalty": self.penalty,
            "components": len(correlations),
            "held_out_correlations": [round(float(value), 4) for value in correlations[:10]],
            "chosen_by": criterion(),
        }

    @property
    def temperature(self) -> float:
        """A log-likelihood ratio is in nats."""
        return 1.0

    def transform(self, images: Vectors, texts: Vectors) -> tuple[Floats, Floats]:
        """Give vectors whose cosine is the log-likelihood ratio, up to constants; see `Fitted.transform`."""
        components, (image_scale, text_scale) = len(self.held_out.products), self.held_out.deviations
        a = self.directions.of_images(images, components) / image_scale
        b = self.directions.of_texts(texts, components) / text_scale
        return augment(*log_likelihood_ratio(a, b, self.held_out.correlations))


def log_likelihood_ratio(a: Floats, b: Floats, rho: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Split the log-likelihood ratio of a pair into an inner product and a term of each side.

    Where the sides' variates are standard normal and correlate by ρ_k within a pair and not at all between
    strangers, log p(a, b) − log p(a) p(b) is, up to the constant −½ Σ_k log(1 − ρ_k²),
    Σ_k [−ρ_k²(a_k² + b_k²) + 2 ρ_k a_k b_k] / (2(1 − ρ_k²)) (THEORY 7).

    Args:
        a: float64, shape (n, r).
        b: float64, shape (m, r).
        rho: float64, shape (r,), in [0, 1).

    Returns:
        Vectors (n, r) and (m, r) and terms (n,) and (m,): what `augment` takes. The score of i and j is
        ⟨vector_i, vector_j⟩ + term_i + term_j.
    """
    weight = np.sqrt(rho / (1 - rho**2))
    own = -(rho**2) / (2 * (1 - rho**2))
    return a * weight, b * weight, a**2 @ own, b**2 @ own


def _family(known: AuxiliaryPairs) -> Callable[[float], Directions]:
    """Whiten each side with a ridge and decompose the cross-covariance (Vinod 1976)."""
    images, texts = Principal.of(known.images), Principal.of(known.texts)
    cross = images.coordinates(known.images).T @ texts.coordinates(known.texts) / len(known)

    def at(penalty: float) -> Directions:
        image_whitener, text_whitener = (
            1 / np.sqrt(side.variance + penalty * side.mean_variance) for side in (images, texts)
        )
        whitened = image_whitener[:, None] * cross * text_whitener
        left, _, right = np.linalg.svd(whitened, full_matrices=False)
        return Directions(
            images.mean,
            texts.mean,
            images.directions @ (image_whitener[:, None] * left),
            texts.directions @ (text_whitener[:, None] * right.T),
        )

    return at


def _ranks(
    variates: Sequence[tuple[Floats, Floats]],
    patients: Sequence[Any],
    moments: Sequence[Moments],
    grid: Sequence[int],
) -> Floats:
    """Give the mean log rank of held-out mates for each number of components: float64, shape (grid,)."""
    total = np.zeros(len(grid))
    for fold, (images, texts) in enumerate(variates):
        others = Moments.sum([part for place, part in enumerate(moments) if place != fold])
        image_scale, text_scale = others.deviations
        a, b, rho = images / image_scale, texts / text_scale, others.correlations
        scores, start = np.zeros((len(a), len(b))), 0
        for place, end in enumerate(grid):
            part = slice(start, end)
            left, right, f, g = log_likelihood_ratio(a[:, part], b[:, part], rho[part])
            scores += left @ right.T + f[:, None] + g
            total[place] += mean_log_rank(scores, patients[fold]) * len(a)
            start = end
    return total / sum(len(images) for images, _ in variates)


def _widened(variates: Floats, components: int) -> Floats:
    return np.pad(variates, ((0, 0), (0, components - variates.shape[1])))
