"""Centring: each side without its mean, so that what all images or all reports share counts for nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from relinkage.attackers.protocol import AuxiliaryPairs, Floats, Pools, Vectors


@dataclass(frozen=True)
class Centre:
    """Compare the vectors by cosine after each side has lost its mean.

    The means are those of the attacked vectors themselves: the attacker sees the gallery, and no pair. The
    gap between the sides moves all scores of a query alike; what centring changes is the lengths.
    """

    needs_pairs: ClassVar[bool] = False
    uses_pairs: ClassVar[bool] = False
    pools: ClassVar[Pools] = "full"
    one_space: ClassVar[bool] = True

    @property
    def settings(self) -> Mapping[str, Any]:
        """Say what it sees; there is nothing to choose."""
        return {"sees": "the attacked vectors of each side, unpaired"}

    def fit(self, known: AuxiliaryPairs | None) -> "Centre":
        """There is nothing to learn."""
        return self

    @property
    def temperature(self) -> None:
        """That of plain cosines."""
        return None

    def transform(self, images: Vectors, texts: Vectors) -> tuple[Floats, Floats]:
        """Give the centred vectors; see `Fitted.transform`."""
        return images - images.mean(axis=0, dtype="float64"), texts - texts.mean(axis=0, dtype="float64")
