"""Plain cosine: the simplest attacker, and the one that every other is compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from relinkage.attackers.protocol import AuxiliaryPairs, Pools, Vectors


@dataclass(frozen=True)
class Cosine:
    """Compare the vectors as they are."""

    needs_pairs: ClassVar[bool] = False
    uses_pairs: ClassVar[bool] = False
    pools: ClassVar[Pools] = "every"
    one_space: ClassVar[bool] = True

    @property
    def settings(self) -> Mapping[str, Any]:
        """There is nothing to choose."""
        return {}

    def fit(self, known: AuxiliaryPairs | None) -> "Cosine":
        """There is nothing to learn."""
        return self

    @property
    def temperature(self) -> None:
        """That of plain cosines."""
        return None

    def transform(self, images: Vectors, texts: Vectors) -> tuple[Vectors, Vectors]:
        """Give the vectors as they are."""
        return images, texts
