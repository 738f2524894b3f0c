"""The choices of a table of defences, checked when they are made."""

from typing import Annotated, Literal

from msgspec import Meta

from relinkage.attackers.names import AttackerName
from relinkage.errors import InputError
from relinkage.linkage.settings import Resampling
from relinkage.options import Count, Option
from relinkage.usefulness.settings import UtilitySettings

Pool = Annotated[int, Meta(ge=2)]
Matched = Literal["both", "image-to-report", "report-to-image"]


class DefendSettings(Resampling, frozen=True):
    """The choices of a table of defences.

    Attributes:
        split: Split that is judged.
        auxiliary: Split of other patients that attackers know pairs of, and that probes are fitted on.
        auxiliary_pairs: Pairs that attackers know, at most.
        attackers: The attackers, plain cosine first.
        pool: Pools that Recall@1 is stated at: the largest that the candidates fill (all of them where they
            fill none), and the smallest, which is also searched inside the query's own label stratum.
        seeds: Trainings or draws of each row that has any, the first being the one that is shown.
        match: Directions of label precision@K at which baselines are held against the hardened heads, in the
            order they are tried; both means as useful in one direction and no less in the other.
        tolerance: How far label precision may be off and still count as matched.
        k: Cases that label precision looks at.
        least_patients: Patients with and without a label, for a label to count.
    """

    split: str = "test"
    auxiliary: str = "train"
    auxiliary_pairs: Annotated[int, Meta(ge=10), Option(noun="number of pairs")] = 1000
    attackers: Annotated[tuple[AttackerName, ...], Meta(min_length=1), Option(noun="attacker")] = (
        "cosine",
        "procrustes",
        "cca",
    )
    pool: Annotated[tuple[Pool, ...], Meta(min_length=1), Option(noun="pool size")] = (10_000, 1_000, 100)
    seeds: Annotated[Count, Option(noun="number of trainings")] = 5
    match: Annotated[tuple[Matched, ...], Meta(min_length=1), Option(noun="direction")] = (
        "both",
        "report-to-image",
        "image-to-report",
    )
    tolerance: Annotated[float, Meta(gt=0, lt=1)] = 0.002
    k: Annotated[Count, Option(noun="number of cases")] = 10
    least_patients: Annotated[Count, Option(noun="number of patients")] = 10

    def check(self) -> None:
        """Check that plain cosine comes first, and what usefulness is measured on.

        Raises:
            InputError: another attacker comes first, or the splits are the same.
        """
        if self.attackers[0] != "cosine":
            raise InputError("The attackers of a table of defences start with cosine; name it first.")
        self.usefulness  # noqa: B018 (its own checks)

    @property
    def usefulness(self) -> UtilitySettings:
        """The choices of the measurement of usefulness."""
        return UtilitySettings(
            fit=self.auxiliary,
            split=self.split,
            k=self.k,
            least_patients=self.least_patients,
            interval=self.interval,
            replicates=self.replicates,
            seed=self.seed,
        )
