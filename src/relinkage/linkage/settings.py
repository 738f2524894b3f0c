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
        patient_level: also count any report of the query's patient as a hit.
        open_set: false-positive identification rates at which the open set is measured; none for none.
        temperature: τ of the softmax, in the open set's posterior and in the entropy of the match.
        resampling: intervals and seed.
        risk_pool: the pool that risk per patient is stated at; where the caller names none, the largest of
            10,000, 1,000 and 100 that every query has, else full.
        engine: what counts, one of `engines.ENGINES`; it changes the time an audit takes, and nothing else.
    """

    pools: tuple[Pool, ...] | None = None
    k: tuple[int, ...] | None = None
    direction: Ask = "image-to-report"
    distractors: Distractors = "all"
    hard_negatives: HardNegatives = field(default_factory=HardNegatives)
    patient_level: bool = False
    open_set: tuple[float, ...] = ()
    temperature: float = 0.07
    resampling: Resampling = field(default_factory=Resampling)
    risk_pool: Pool | None = None
    engine: str = "auto"

    def __post_init__(self) -> None:
        for pool in self.pools or ():
            if not _is_pool(pool):
                raise InputError(f"--pool {pool} is no pool size; give whole numbers from 2 up, or full.")
        if self.risk_pool is not None and not _is_pool(self.risk_pool):
            raise InputError(
                f"--risk-pool {self.risk_pool} is no pool size; give a whole number from 2 up, or full."
            )
        for k in self.k or ():
            if k < 1:
                raise InputError(f"--k {k} is no rank; give whole numbers from 1 up.")
        for name, value, allowed in (
            ("--direction", self.direction, get_args(Ask)),
            ("--distractors", self.distractors, get_args(Distractors)),
        ):
            if value not in allowed:
                raise InputError(f"{name} {value} is not known; give one of {', '.join(allowed)}.")
        for rate in self.open_set:
            if not 0 < rate < 1:
                raise InputError(f"--open-set {rate} is no rate; give numbers between 0 and 1, such as 0.01.")
        if not 1e-4 <= self.temperature <= 1e4:
            raise InputError(
                f"--temperature {self.temperature} is out of range; give a number from 0.0001 to 10000."
            )
        if not 0 < self.resampling.level < 1:
            raise InputError(
                f"--intervals {self.resampling.level} is no level; give a number between 0 and 1."
            )
        if self.resampling.replicates < 100:
            raise InputError(f"--replicates {self.resampling.replicates} is too few; give at least 100.")


def _is_pool(pool: Pool) -> bool:
    return pool == FULL or (isinstance(pool, int) and pool >= 2)
