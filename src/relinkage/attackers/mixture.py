"""Scores added up, each with a weight that held-out auxiliary pairs choose.

A weighted sum of inner products is the inner product of the vectors side by side, each part times the root
of its weight; so a mixture of attackers is an attacker like any other, and the exact pass ranks it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from relinkage.attackers.cross_validation import folds, log_ranks, unit
from relinkage.attackers.protocol import AuxiliaryPairs, Fitted, Floats, Ints, Vectors
from relinkage.linkage.settings import DEFAULT_TEMPERATURE


@dataclass(frozen=True)
class Part:
    """An attacker inside a mixture.

    Attributes:
        name: what it is called.
        fitted: the attacker.
        share: its weight; those of a mixture add up to 1.
        spread: what its score is divided by, so that shares of different scores compare.
    """

    name: str
    fitted: Fitted
    share: float
    spread: float


@dataclass(frozen=True)
class Mixture:
    """A weighted sum of attackers' scores.

    Attributes:
        parts: the attackers; at least one.
        settings: what was chosen and from what, as JSON.
    """

    parts: tuple[Part, ...]
    settings: Mapping[str, Any]

    @property
    def temperature(self) -> float | None:
        """That of its only part, or the parts' own in their units, added up like their scores."""
        if len(self.parts) == 1:
            return self.parts[0].fitted.temperature
        return sum(
            part.share / part.spread * (part.fitted.temperature or DEFAULT_TEMPERATURE) for part in self.parts
        )

    def transform(self, images: Vectors, texts: Vectors) -> tuple[Vectors, Vectors]:
        """Give the parts' vectors side by side, each times the root of its weight; see `Fitted.transform`."""
        if len(self.parts) == 1:
            return self.parts[0].fitted.transform(images, texts)
        sides: tuple[list[Floats], list[Floats]] = ([], [])
        for part in self.parts:
            root = np.sqrt(part.share / part.spread)
            for side, vectors in zip(sides, score_vectors(part.fitted, images, texts), strict=True):
                side.append(root * vectors)
        return np.hstack(sides[0]), np.hstack(sides[1])


def score_vectors(fitted: Fitted, images: Vectors, texts: Vectors) -> tuple[Vectors, Vectors]:
    """Give vectors whose inner product is an attacker's score, in the score's own units."""
    left, right = fitted.transform(images, texts)
    return (unit(left), unit(right)) if fitted.temperature is None else (left, right)


@dataclass(frozen=True)
class HeldOut:
    """Scores of held-out auxiliary pairs, by an attacker that was fitted on other patients.

    Attributes:
        scores: a fold each: float64, shape (n, n), mates on the diagonal.
        patient: of each fold's pairs: int64, shape (n,).
    """

    scores: tuple[Floats, ...]
    patient: tuple[Ints, ...]

    @classmethod
    def of(
        cls, known: AuxiliaryPairs, fit: Callable[[AuxiliaryPairs], Fitted], looked_at: int, seed: int
    ) -> "HeldOut":
        """Fit on the other folds and score the one held out, in turn.

        Args:
            known: the auxiliary pairs.
            fit: gives the attacker that some of them teach.
            looked_at: how many of the five folds to hold out.
            seed: of the folds.
        """
        scores, patients = [], []
        for fitted, held in folds(known.patient, seed)[:looked_at]:
            asked = known.take(held)
            left, right = score_vectors(fit(known.take(fitted)), asked.images, asked.texts)
            scores.append(np.asarray(left @ right.T, np.float64))
            patients.append(asked.patient)
        return cls(tuple(scores), tuple(patients))

    @property
    def spread(self) -> float:
        """How far scores spread where the levels of rows and columns are taken away; 1 where they do not."""
        away = [
            scores - scores.mean(axis=1, keepdims=True) - scores.mean(axis=0) + scores.mean()
            for scores in self.scores
        ]
        square = sum(float((each**2).sum()) for each in away) / sum(each.size for each in away)
        return float(np.sqrt(square)) if square > 0 else 1.0

    def log_ranks(self) -> Floats:
        """Give the logarithm of every held-out mate's rank: float64, shape (pairs,)."""
        return np.concatenate(
            [log_ranks(scores, patient) for scores, patient in zip(self.scores, self.patient, strict=True)]
        )

    def first(self, count: int) -> "HeldOut":
        """Keep the first folds."""
        return HeldOut(self.scores[:count], self.patient[:count])


def added(parts: Sequence[HeldOut], weights: Sequence[float]) -> HeldOut:
    """Add up scores of the same held-out pairs, each times its weight."""
    scores = tuple(
        sum((weight * each for weight, each in zip(weights, fold, strict=True)), np.zeros_like(fold[0]))
        for fold in zip(*(part.scores for part in parts), strict=True)
    )
    return HeldOut(scores, parts[0].patient)


def surely_better(new: Floats, old: Floats, patient: Sequence[Ints]) -> bool:
    """Say whether mates rank better by more than a standard error of the difference, clustered by patient.

    Args:
        new: float64, shape (pairs,): logarithms of ranks.
        old: likewise.
        patient: of each fold's pairs.
    """
    gain = old - new
    which = np.unique(np.concatenate(patient), return_inverse=True)[1].ravel()
    error = float(np.sqrt((np.bincount(which, gain - gain.mean()) ** 2).sum())) / len(gain)
    return float(gain.mean()) > error
