"""The choices of an audit, checked when they are made."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from relinkage.errors import InputError
from relinkage.linkage.measures import FULL, Pool, Resampling
from relinkage.linkage.strata import HardNegatives

DEFAULT_POOLS: tuple[Pool, ...] = (100, 1000, 10000, FULL)
DEFAULT_RANKS = (1, 5, 10)
Distractors = Literal["all", "other-patients"]
Ask = Literal["image-to-report", "report-to-image", "both"]


@dataclass(frozen=True)
class AuditSettings:
    """The choices of an audit.

    Attributes:
        pools: pool sizes; where the caller names none, those of the defaults that fit.
        k: ranks K of Recall@K.
        direction: who asks whom.
        distractors: `other-patients` leaves the patient's other studies out of the pool.
        hard_negatives: columns that distractors must share with the query, beside the audit over all.
        resampling: intervals and seed.
    """

    pools: tuple[Pool, ...] | None = None
    k: tuple[int, ...] | None = None
    direction: Ask = "image-to-report"
    distractors: Distractors = "all"
    hard_negatives: HardNegatives = field(default_factory=HardNegatives)
    resampling: Resampling = field(default_factory=Resampling)

    def __post_init__(self) -> None:
        for pool in self.pools or ():
            if pool != FULL and (not isinstance(pool, int) or pool < 2):
                raise InputError(f"--pool {pool} is no pool size; give whole numbers from 2 up, or full.")
        for k in self.k or ():
            if k < 1:
                raise InputError(f"--k {k} is no rank; give whole numbers from 1 up.")
        for name, value, allowed in (
            ("--direction", self.direction, get_args(Ask)),
            ("--distractors", self.distractors, get_args(Distractors)),
        ):
            if value not in allowed:
                raise InputError(f"{name} {value} is not known; give one of {', '.join(allowed)}.")
        if not 0 < self.resampling.level < 1:
            raise InputError(
                f"--intervals {self.resampling.level} is no level; give a number between 0 and 1."
            )
        if self.resampling.replicates < 100:
            raise InputError(f"--replicates {self.resampling.replicates} is too few; give at least 100.")
