"""Ridge regression: from a text's vector to the vector of its image."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from relinkage.attackers.cross_validation import FOLDS, choose, criterion
from relinkage.attackers.principal import Principal
from relinkage.attackers.protocol import AuxiliaryPairs, Floats, Pools, Vectors

PENALTIES = (100.0, 10.0, 1.0, 0.1, 0.01, 1e-3, 1e-4)
"""Tried from the strongest, each times the mean variance of the texts' dimensions."""


@dataclass(frozen=True)
class Ridge:
    """Predict the image's vector from the text's; score by the cosine of the two, both centred.

    Hoerl & Kennard (1970): W = (TᵀT/n + λI)⁻¹ TᵀX/n, with λ chosen on held-out pairs.

    Attributes:
        seed: of the folds.
    """

    seed: int = 0
    needs_pairs: ClassVar[bool] = True
    uses_pairs: ClassVar[bool] = False
    pools: ClassVar[Pools] = "every"
    one_space: ClassVar[bool] = False
    looked_at: ClassVar[int] = FOLDS

    def fit(self, known: AuxiliaryPairs | None) -> "FittedRidge":
        """Fit the regression; see `Family.fit`."""
        pairs = AuxiliaryPairs.enough(known)
        return _family(pairs)(choose(pairs, PENALTIES, _family, self.seed, "ridge"))

    def again(self, fitted: "FittedRidge", known: AuxiliaryPairs) -> "FittedRidge":
        """Fit another regression with the same penalty; see `Learner.again`."""
        return _family(known)(fitted.penalty)


@dataclass(frozen=True)
class FittedRidge:
    """The regression.

    Attributes:
        image_mean: float64, shape (image width,).
        text_mean: float64, shape (text width,).
        weight: float64, shape (text width, image width).
        penalty: λ as a multiple of the mean variance of the texts' dimensions.
    """

    image_mean: Floats
    text_mean: Floats
    weight: Floats
    penalty: float

    @property
    def settings(self) -> Mapping[str, Any]:
        """Say which penalty was chosen."""
        return {"penalty": self.penalty, "chosen_by": criterion()}

    @property
    def temperature(self) -> None:
        """That of plain cosines."""
        return None

    def transform(self, images: Vectors, texts: Vectors) -> tuple[Floats, Floats]:
        """Give the centred images and the images predicted from the texts; see `Fitted.transform`."""
        return images - self.image_mean, (texts - self.text_mean) @ self.weight


def _family(known: AuxiliaryPairs) -> Callable[[float], FittedRidge]:
    texts = Principal.of(known.texts)
    mean = known.images.mean(axis=0, dtype="float64")
    cross = texts.coordinates(known.texts).T @ (known.images - mean) / len(known)

    def at(penalty: float) -> FittedRidge:
        shrunk = texts.variance + penalty * texts.mean_variance
        return FittedRidge(mean, texts.mean, texts.directions @ (cross / shrunk[:, None]), penalty)

    return at
