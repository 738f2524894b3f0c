"""Start here: what an attacker is, and what it knows.

An attacker scores an image and a report. It hands back new vectors whose cosine puts pairs in the order of
its score, so that the exact pass does the rest and every figure of an audit comes with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from relinkage.errors import InputError

Vectors = NDArray[np.float32] | NDArray[np.float64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Pools = Literal["every", "full"]
"""The pools that an attacker's figures hold for. The expectation over pools of N rests on scores that do not
depend on the pool, so what is fitted on the attacked gallery holds for the full gallery only."""

LEAST_PAIRS, LEAST_PATIENTS = 10, 5
"""Below these, nothing can be fitted and checked on other patients."""


@dataclass(frozen=True)
class AuxiliaryPairs:
    """Pairs of image and report that the attacker knows, of patients that are not attacked.

    Attributes:
        images: float32 or float64, shape (n, image width).
        texts: float32 or float64, shape (n, text width); row i belongs to image i.
        patient: int64, shape (n,): a number per patient.
    """

    images: Vectors
    texts: Vectors
    patient: Ints

    def __post_init__(self) -> None:
        if not len(self.images) == len(self.texts) == len(self.patient):
            raise ValueError("auxiliary images, texts and patients differ in length")

    def __len__(self) -> int:
        return len(self.patient)

    @property
    def patients(self) -> int:
        """How many patients the pairs come from."""
        return len(np.unique(self.patient))

    @property
    def share_a_width(self) -> bool:
        """Whether a cosine between images and texts can be taken at all."""
        return self.images.shape[1] == self.texts.shape[1]

    def take(self, rows: Ints) -> "AuxiliaryPairs":
        """Keep some pairs."""
        return AuxiliaryPairs(self.images[rows], self.texts[rows], self.patient[rows])

    @staticmethod
    def enough(known: "AuxiliaryPairs | None") -> "AuxiliaryPairs":
        """Give the pairs, checked: enough to fit on some patients and to look at others.

        Raises:
            InputError: there are none, or fewer than 10 pairs or 5 patients, or a side is the same in all.
        """
        if known is None:
            raise InputError("This attacker learns from auxiliary pairs; give it some with --auxiliary.")
        if len(known) < LEAST_PAIRS or known.patients < LEAST_PATIENTS:
            raise InputError(
                f"There are {len(known)} auxiliary pairs of {known.patients} patients, an attacker needs "
                f"{LEAST_PAIRS} of {LEAST_PATIENTS}; give a larger --auxiliary-pairs or another --auxiliary."
            )
        for side, vectors in (("images", known.images), ("texts", known.texts)):
            if (vectors == vectors[0]).all():
                raise InputError(
                    f"The {side} of the auxiliary pairs all have the same vector, so nothing can be learned "
                    "from them; give another --auxiliary."
                )
        return known


class Fitted(Protocol):
    """An attacker that is ready to score pairs."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What was chosen and from what, as JSON: regularisation, components, how they were chosen."""

    @property
    def temperature(self) -> float | None:
        """The temperature at which the entropy of the match is taken, None for that of plain cosines.

        It is in the score's own units. The score is the cosine times the lengths of the two new vectors,
        which are the same for all.
        """

    def transform(self, images: Vectors, texts: Vectors) -> tuple[Vectors, Vectors]:
        """Turn the vectors that are attacked into vectors whose cosine is the score.

        For every fixed image, and for every fixed text, the cosine of the new vectors is a strictly
        increasing function of the attacker's score.

        Args:
            images: float32 or float64, shape (images, image width).
            texts: float32 or float64, shape (distinct texts, text width).

        Returns:
            Vectors of one common width, a row per row given.
        """


class Family(Protocol):
    """A family of attackers: a way to score pairs, with its choices."""

    @property
    def needs_pairs(self) -> bool:
        """Whether it learns from auxiliary pairs, and cannot attack without."""

    @property
    def uses_pairs(self) -> bool:
        """Whether it needs no pairs, but chooses its strength on auxiliary pairs where there are any."""

    @property
    def pools(self) -> Pools:
        """The pools that its figures hold for: "full" where it is fitted on the attacked gallery."""

    @property
    def one_space(self) -> bool:
        """Whether it compares the two sides as they are, and so needs a space they share."""

    def fit(self, known: AuxiliaryPairs | None) -> Fitted:
        """Learn from the auxiliary pairs; None is enough where `needs_pairs` is false.

        Raises:
            InputError: there are too few pairs.
        """


class Learner(Family, Protocol):
    """A family that learns its score from auxiliary pairs: it never attacks without the cosine at its side.

    See `with_cosine`.
    """

    @property
    def looked_at(self) -> int:
        """How many of the folds of patients are held out in turn: fewer where learning takes long."""

    def again(self, fitted: Any, known: AuxiliaryPairs) -> Fitted:
        """Learn from other pairs, with the choices that were made before.

        Args:
            fitted: what `fit` gave.
            known: at least two pairs.
        """
