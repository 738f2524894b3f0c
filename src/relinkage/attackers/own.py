"""An attacker of one's own: a class with `transform` or `score`, and `fit` where it learns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, get_args

import numpy as np

from relinkage.attackers.protocol import AuxiliaryPairs, Ints, Pools, Vectors
from relinkage.attackers.tables import table_vectors
from relinkage.errors import InputError


class Attacker:
    """A way to score pairs: derive from it, and give an object of your class to `relinkage.attack`.

    It has a method `transform`, or a method `score` where no vectors have a cosine that is its score; the
    table of all its scores is then held in memory, and counted more slowly. Where `needs_pairs` is true,
    `fit` is called with the auxiliary pairs before anything is scored. What is learned is kept on the object.

    Examples:
        >>> import numpy as np
        >>> import relinkage as rl
        >>> class Centred(rl.Attacker):
        ...     pools = "full"  # the means are those of the gallery
        ...
        ...     def transform(self, images, reports):
        ...         return images - images.mean(axis=0), reports - reports.mean(axis=0)
        >>> random = np.random.default_rng(0)
        >>> images = random.normal(size=(200, 6)) + 3
        >>> reports = images + 0.3 * random.normal(size=(200, 6))
        >>> attack = rl.attack(images, reports, attackers=["cosine", Centred()])
        >>> attack["centred"].recall().value > attack["cosine"].recall().value
        True

    Attributes:
        name: what results call it; the name of the class in lower case where it has none of its own.
        needs_pairs: whether it learns from auxiliary pairs.
        pools: "every" where the score of a pair is the same whatever else is attacked, so that figures hold
            at every pool size; "full" where it depends on the attacked gallery: then there are rows for all
            that is eligible alone.
        one_space: whether images and reports must be equally wide.
        temperature: of the softmax in the entropy of the match, in units of the score; the audit's own where
            it is None.
    """

    name: str = ""
    needs_pairs: bool = False
    pools: Pools = "every"
    one_space: bool = True
    temperature: float | None = None

    def fit(self, images: Vectors, reports: Vectors, patient: Ints) -> None:
        """Learn from auxiliary pairs.

        Args:
            images: float32 or float64, shape (n, image width).
            reports: float32 or float64, shape (n, report width); row i belongs to image i.
            patient: int64, shape (n,): a number per patient.
        """

    def transform(self, images: Vectors, reports: Vectors) -> tuple[Vectors, Vectors]:
        """Return new vectors, a row per row given, whose cosine puts pairs in the order of the score.

        Args:
            images: float32 or float64, shape (images, image width).
            reports: float32 or float64, shape (distinct reports, report width).
        """
        raise NotImplementedError("an attacker needs a method transform(images, reports) or score")

    def score(self, images: Vectors, reports: Vectors) -> Any:
        """Return the scores of some images with some reports: float64, shape (images, reports).

        It is called with blocks of both sides; ranks are counted on these scores.

        Args:
            images: float32 or float64, shape (some images, image width).
            reports: float32 or float64, shape (some distinct reports, report width).
        """
        raise NotImplementedError("an attacker needs a method transform(images, reports) or score")


@dataclass(frozen=True)
class OwnFamily:
    """An attacker of somebody's own, called as those of this package are.

    Attributes:
        attacker: the object.
    """

    attacker: Attacker
    settings: ClassVar[Mapping[str, Any]] = {}
    uses_pairs: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """What results call it."""
        return self.attacker.name or type(self.attacker).__name__.lower()

    @property
    def needs_pairs(self) -> bool:
        """Whether it learns from auxiliary pairs."""
        return self.attacker.needs_pairs

    @property
    def pools(self) -> Pools:
        """The pools that its figures hold for.

        Raises:
            InputError: the attacker names other pools.
        """
        if self.attacker.pools not in get_args(Pools):
            raise InputError(f'The pools of the attacker {self.name} are not valid; give "every" or "full".')
        return self.attacker.pools

    @property
    def one_space(self) -> bool:
        """Whether both sides must be equally wide."""
        return self.attacker.one_space

    @property
    def temperature(self) -> float | None:
        """That of its softmax."""
        return self.attacker.temperature

    def fit(self, known: AuxiliaryPairs | None) -> "OwnFamily":
        """Learn from the auxiliary pairs; see `Family.fit`."""
        if self.needs_pairs:
            pairs = AuxiliaryPairs.enough(known)
            self.attacker.fit(pairs.images, pairs.texts, pairs.patient)
        return self

    def transform(self, images: Vectors, texts: Vectors) -> tuple[Vectors, Vectors]:
        """Return what the attacker makes of the vectors, checked; see `Fitted.transform`.

        Raises:
            InputError: there is not a row per row given, or the two sides have other widths; or scores are
                not finite, or too many.
        """
        if type(self.attacker).score is not Attacker.score:
            return table_vectors(self.attacker.score, images, texts, self.name)
        sides = self.attacker.transform(images, texts)
        if not isinstance(sides, tuple) or len(sides) != 2:
            raise InputError(f"The attacker {self.name} must return two arrays: (images, reports).")
        made: list[Any] = [np.asarray(side) for side in sides]
        for given, new, which in zip((images, texts), made, ("images", "reports"), strict=True):
            if new.ndim != 2 or len(new) != len(given):
                raise InputError(
                    f"The attacker {self.name} made {which} of shape {new.shape} from {len(given)} rows; "
                    "return a row per row."
                )
        if made[0].shape[1] != made[1].shape[1]:
            raise InputError(
                f"The attacker {self.name} made images of {made[0].shape[1]} dimensions and reports of "
                f"{made[1].shape[1]}; return vectors of one width."
            )
        return made[0], made[1]
