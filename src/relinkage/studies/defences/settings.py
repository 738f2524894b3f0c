"""The choices of a table of defences."""

from dataclasses import dataclass, field

from relinkage.attackers import load_attacker
from relinkage.errors import InputError
from relinkage.linkage import Resampling
from relinkage.utility import UtilitySettings


@dataclass(frozen=True)
class ControlSettings:
    """The choices of a table of defences, checked when they are made.

    Attributes:
        split: the split that is judged.
        auxiliary: the split of other patients that attackers know pairs of, and that probes are fitted on.
        auxiliary_pairs: how many pairs they know, at most.
        attackers: their names; plain cosine is the first.
        pool: the pool that Recall@1 is stated at; all candidates where there are fewer.
        seeds: trainings or draws of each control that has any, the first being the one that is shown.
        match: measures of usefulness at which controls are held against the hardened heads, in the order
            they are tried: `precision` (label precision@K) and `auroc` (macro AUROC of the linear probe).
        tolerance: how far such a measure may be off and still count as matched.
        k: cases that label precision looks at.
        least_patients: patients with and without a label, for a label to count.
        resampling: how intervals are made; its seed also makes every draw.
    """

    split: str = "test"
    auxiliary: str = "train"
    auxiliary_pairs: int = 1000
    attackers: tuple[str, ...] = ("cosine", "procrustes", "cca")
    pool: int = 10_000
    seeds: int = 3
    match: tuple[str, ...] = ("precision", "auroc")
    tolerance: float = 0.002
    k: int = 10
    least_patients: int = 10
    resampling: Resampling = field(default_factory=Resampling)

    def __post_init__(self) -> None:
        for name in self.attackers:
            load_attacker(name)
        if not self.attackers or self.attackers[0] != "cosine":
            raise InputError("The attackers of a table of defences start with cosine; name it first.")
        if self.pool < 2:
            raise InputError(f"--pool {self.pool} is no pool size; give a whole number from 2 up.")
        if self.seeds < 1:
            raise InputError(f"--seeds {self.seeds} is no number of trainings; give 1 or more, such as 3.")
        if not self.match or not set(self.match) <= {"precision", "auroc"}:
            raise InputError("Controls are matched by precision, auroc or both; name one of them.")
        if not 0 < self.tolerance < 1 or self.auxiliary_pairs < 10:
            raise InputError("A setting of the controls is out of range; see ControlSettings.")
        self.usefulness  # noqa: B018 (its own checks)

    @property
    def usefulness(self) -> UtilitySettings:
        """The choices of the measurement of usefulness."""
        return UtilitySettings(
            fit=self.auxiliary,
            split=self.split,
            k=self.k,
            least_patients=self.least_patients,
            resampling=self.resampling,
        )
