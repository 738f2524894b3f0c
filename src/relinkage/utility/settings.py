"""The choices of a utility measurement, checked when they are made."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from relinkage.errors import InputError
from relinkage.linkage import Resampling

Uncertain = Literal["left-out", "positive", "negative"]
Absent = Literal["negative", "left-out"]
Exclude = Literal["study", "patient"]


@dataclass(frozen=True)
class UtilitySettings:
    """The choices of a utility measurement.

    Attributes:
        fit: the split that probes are fitted on.
        split: the split that everything is measured on.
        k: how many retrieved cases precision and nDCG look at.
        uncertain: what an uncertain label (-1) counts as in probes; `left-out` takes the image out of that
            label's probe. In retrieval a label is shared only where both sides count as positive.
        absent: the same for a label that the report does not mention.
        exclude: whose cases a query never retrieves: its own study's, or all of its patient's.
        least_patients: a label is kept where at least so many patients of each of the two splits have a
            positive image, and as many a negative one.
        penalties: L2 penalties tried for a probe.
        choosing: share of the fit split's patients on whom the penalty is chosen.
        fit_pairs: pairs that a probe is fitted on, at most; whole patients are drawn where there are more.
        map_queries: queries per direction that mean average precision, which needs the whole order, is
            measured on, at most.
        geometry_vectors: vectors a side that uniformity is measured on, at most.
        resampling: how intervals are made; its seed also makes every other draw.
    """

    fit: str = "train"
    split: str = "test"
    k: int = 10
    uncertain: Uncertain = "left-out"
    absent: Absent = "negative"
    exclude: Exclude = "study"
    least_patients: int = 10
    penalties: tuple[float, ...] = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
    choosing: float = 0.2
    fit_pairs: int = 50_000
    map_queries: int = 2_048
    geometry_vectors: int = 4_096
    resampling: Resampling = field(default_factory=Resampling)

    def __post_init__(self) -> None:
        for option, value, allowed in (
            ("--uncertain", self.uncertain, get_args(Uncertain)),
            ("--absent", self.absent, get_args(Absent)),
            ("--exclude", self.exclude, get_args(Exclude)),
        ):
            if value not in allowed:
                raise InputError(f"{option} {value} is not known; give one of {', '.join(allowed)}.")
        if self.fit == self.split:
            raise InputError(
                f"--fit and --split are both {self.fit}; fit probes on other patients than are tested."
            )
        if self.k < 1:
            raise InputError(f"--k {self.k} is no number of cases; give a whole number from 1 up.")
        if not 0 < self.resampling.level < 1:
            raise InputError(
                f"--intervals {self.resampling.level} is no level; give a number between 0 and 1."
            )
        if self.resampling.replicates < 100:
            raise InputError(f"--replicates {self.resampling.replicates} is too few; give at least 100.")
        counts = (self.least_patients, self.fit_pairs, self.map_queries, self.geometry_vectors - 1)
        if min(counts) < 1 or not 0 < self.choosing < 1 or not self.penalties or min(self.penalties) <= 0:
            raise InputError("A setting of the utility measurement is out of range; see UtilitySettings.")
