"""What was read, what was dropped and why: counts only, never a text or an id."""

from collections.abc import Mapping
from typing import Literal

import polars as pl

from relinkage.cohorts.labels import NEGATIVE, POSITIVE, UNCERTAIN
from relinkage.cohorts.sections import SPACES
from relinkage.cohorts.table import Cohort
from relinkage.records import Record, plain

MOST_VALUES = 30
"""Different views or splits that are counted one by one; a column with more holds something else."""


class SplitCounts(Record, frozen=True):
    """What is in a split.

    Attributes:
        pairs: Pairs of an image and a report.
        studies: Studies.
        patients: Patients; null where they are not known.
    """

    pairs: int
    studies: int
    patients: int | None


class LabelCounts(Record, frozen=True, rename={"not_mentioned": "not mentioned"}):
    """In how many pairs a label has which value.

    Attributes:
        positive: Said to be there.
        negative: Said not to be there.
        uncertain: Said to be uncertain.
        not_mentioned: Not said.
    """

    positive: int
    negative: int
    uncertain: int
    not_mentioned: int


class CohortSummary(Record, frozen=True):
    """A cohort in numbers.

    Attributes:
        format: The format it was read as.
        name: What reports call it.
        root: The folder that image paths are relative to.
        read: What was read, in numbers by name.
        dropped: Rows left out, by reason.
        pairs: Rows that are left.
        patients_known: Whether the data say which studies are of one patient.
        patients: How many there are; null where they are not known.
        studies: How many there are.
        images: How many different ones there are.
        views: Pairs by view; empty where views are not known.
        splits: What is in each split.
        labels: The values of each label.
        words: The shortest, the longest and quantiles of the number of words of the studies' reports.
        studies_with_a_shared_report: Studies whose report, but for case and white space, another study has.
        patients_in_several_splits: How many there are; null where patients are not known.
        notes: What a person has to know.
    """

    schema: Literal["relinkage.cohort/1"] = "relinkage.cohort/1"
    format: str
    name: str
    root: str
    read: dict[str, int]
    dropped: dict[str, int]
    pairs: int
    patients_known: bool
    patients: int | None
    studies: int
    images: int
    views: dict[str, int]
    splits: dict[str, SplitCounts]
    labels: dict[str, LabelCounts]
    words: dict[str, float]
    studies_with_a_shared_report: int
    patients_in_several_splits: int | None
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """Give the summary as lines for a person."""
        lines = [f"{self.name} ({self.format}), images below {self.root}"]
        lines += _listed("read", self.read) + _listed("dropped", self.dropped)
        lines.append(
            f"  kept: {self.pairs:,} pairs, {self.images:,} images, {self.studies:,} studies, "
            + ("patients not known" if self.patients is None else f"{self.patients:,} patients")
        )
        lines += _listed("views", self.views)
        lines += [f"  split {name}: {_counted(plain(counts))}" for name, counts in self.splits.items()]
        lines += [f"  label {name}: {_counted(plain(counts))}" for name, counts in self.labels.items()]
        lines.append(
            "  words of a report: " + ", ".join(f"{key} {value:g}" for key, value in self.words.items())
        )
        crossing = self.patients_in_several_splits
        lines.append(
            f"  studies whose report another study has: {self.studies_with_a_shared_report:,}; patients in "
            f"several splits: {'not known' if crossing is None else f'{crossing:,}'}"
        )
        return lines + [f"Note: {note}" for note in self.notes]


def _counted(counts: Mapping[str, int | None]) -> str:
    return ", ".join(f"{value:,} {key}" for key, value in counts.items() if value is not None)


def _listed(title: str, counts: Mapping[str, int]) -> list[str]:
    return [f"  {title}: " + "; ".join(f"{value:,} {key}" for key, value in counts.items())] if counts else []


def summarise(
    cohort: Cohort, format: str, read: Mapping[str, int], dropped: Mapping[str, int]
) -> CohortSummary:
    """Count what a cohort holds.

    Args:
        cohort: the cohort.
        format: the format it was read as.
        read: what was read, in numbers by name.
        dropped: rows left out, by reason.
    """
    pairs = cohort.pairs
    studies = pairs.unique("study_id", keep="first", maintain_order=True)
    text = studies["report"].str.to_lowercase().str.replace_all(SPACES, " ").str.strip_chars()
    crossing = 0 if cohort.patients_known else None
    if "split" in pairs.columns and cohort.patients_known:
        several = pairs.group_by("patient_id").agg(pl.col("split").n_unique())["split"]
        crossing = int((several > 1).sum())
    return CohortSummary(
        format=format,
        name=cohort.name,
        root=str(cohort.root),
        read=dict(read),
        dropped=dict(sorted(dropped.items(), key=lambda each: (-each[1], each[0]))),
        pairs=len(pairs),
        patients_known=cohort.patients_known,
        patients=cohort.patients if cohort.patients_known else None,
        studies=cohort.studies,
        images=pairs["image"].n_unique(),
        views=_values(pairs, "view"),
        splits=_splits(cohort),
        labels={label: _label(pairs[label]) for label in cohort.labels},
        words=_words(studies["report"]),
        studies_with_a_shared_report=int(text.is_duplicated().sum()),
        patients_in_several_splits=crossing,
        notes=cohort.notes,
    )


def _values(pairs: pl.DataFrame, column: str) -> dict[str, int]:
    if column not in pairs.columns:
        return {}
    counts = (
        pairs[column].fill_null("not known").value_counts().sort("count", column, descending=[True, False])
    )
    return dict(counts.iter_rows()) if len(counts) <= MOST_VALUES else {"different values": len(counts)}


def _splits(cohort: Cohort) -> dict[str, SplitCounts]:
    pairs = cohort.pairs
    if "split" not in pairs.columns or pairs["split"].n_unique() > MOST_VALUES:
        return {}
    counts = pairs.group_by("split").agg(
        pl.len().alias("pairs"),
        pl.col("study_id").n_unique().alias("studies"),
        (pl.col("patient_id").n_unique() if cohort.patients_known else pl.lit(None)).alias("patients"),
    )
    return {str(row.pop("split")): SplitCounts(**row) for row in counts.sort("split").iter_rows(named=True)}


def _label(values: pl.Series) -> LabelCounts:
    return LabelCounts(
        positive=int((values == POSITIVE).sum()),
        negative=int((values == NEGATIVE).sum()),
        uncertain=int((values == UNCERTAIN).sum()),
        not_mentioned=values.null_count(),
    )


def _words(reports: pl.Series) -> dict[str, float]:
    words = reports.str.count_matches(r"\S+")
    quantiles = {"min": 0.0, "5 %": 0.05, "median": 0.5, "95 %": 0.95, "max": 1.0}
    return {name: float(words.quantile(at, "nearest") or 0) for name, at in quantiles.items()}
