"""The choices of a utility measurement, checked when they are made."""

from typing import Annotated, Literal

from msgspec import Meta

from relinkage.errors import InputError
from relinkage.linkage.settings import Resampling
from relinkage.options import Count, Option, Positive

Uncertain = Literal["left-out", "positive", "negative"]
Absent = Literal["negative", "left-out"]
Exclude = Literal["study", "patient"]


class UtilitySettings(Resampling, frozen=True):
    """The choices of a utility measurement.

    Attributes:
        fit: Split to fit linear probes on.
        split: Split to measure on.
        k: Cases that precision and nDCG look at.
        uncertain: What an uncertain label (-1) counts as in probes; left-out takes the image out of that
            label's probe. In retrieval a label is shared only where both sides count as positive.
        absent: What a label counts as that the report does not mention.
        exclude: Never retrieve cases of the query's own study, or of its patient.
        least_patients: Patients of each split that a label needs with a positive image, and as many with a
            negative one.
        penalty: L2 penalties that are tried for a probe.
        choosing: Share of the fit split's patients on whom the penalty is chosen.
        fit_pairs: Pairs that a probe is fitted on, at most; whole patients are drawn where there are more.
        map_queries: Queries per direction that mean average precision, which needs the whole order, is
            measured on, at most.
        geometry_vectors: Vectors a side that uniformity is measured on, at most.
    """

    fit: str = "train"
    split: str = "test"
    k: Annotated[Count, Option(noun="number of cases")] = 10
    uncertain: Annotated[Uncertain, Option(noun="choice")] = "left-out"
    absent: Annotated[Absent, Option(noun="choice")] = "negative"
    exclude: Annotated[Exclude, Option(noun="choice")] = "study"
    least_patients: Annotated[Count, Option(noun="number of patients")] = 10
    penalty: Annotated[tuple[Positive, ...], Meta(min_length=1)] = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
    choosing: Annotated[float, Meta(gt=0, lt=1), Option(noun="share")] = 0.2
    fit_pairs: Annotated[Count, Option(noun="number of pairs")] = 50_000
    map_queries: Annotated[Count, Option(noun="number of queries")] = 2_048
    geometry_vectors: Annotated[int, Meta(ge=2), Option(noun="number of vectors")] = 4_096

    def check(self) -> None:
        """Check that probes are fitted on other patients than are tested.

        Raises:
            InputError: both splits are the same.
        """
        if self.fit == self.split:
            raise InputError(
                f"--fit and --split are both {self.fit}; fit probes on other patients than are tested."
            )
