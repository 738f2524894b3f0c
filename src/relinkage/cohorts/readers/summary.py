"""What was read, what was dropped and why: counts only, never a text or an id."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from relinkage.cohorts.labels import NEGATIVE, POSITIVE, UNCERTAIN
from relinkage.cohorts.sections import SPACES
from relinkage.cohorts.table import Cohort

SCHEMA = "relinkage.cohort/1"
MOST_VALUES = 30
"""Different views or splits that are counted one by one; a column with more holds something else."""


@dataclass(frozen=True)
class CohortSummary:
    """A cohort in numbers.

    Attributes:
        format: the format it was read as.
        name: what reports call it.
        root: the folder that image paths are relative to.
        read: what was read, in numbers by name.
        dropped: rows left out, by reason.
        pairs: rows that are left.
        patients: how many there are.
        studies: how many there are.
        images: how many different ones there are.
        views: pairs by view; empty where views are not known.
        splits: pairs, studies and patients of each split.
        labels: pairs in which a label is positive, negative, uncertain and not mentioned.
        words: the shortest, the longest and quantiles of the number of words of the studies' reports.
        studies_with_a_shared_report: studies whose report, but for case and white space, another study has.
        patients_in_several_splits: how many there are.
        notes: what a person has to know.
    """

    format: str
    name: str
    root: str
    read: Mapping[str, int]
    dropped: Mapping[str, int]
    pairs: int
    patients: int
    studies: int
    images: int
    views: Mapping[str, int]
    splits: Mapping[str, Mapping[str, int]]
    labels: Mapping[str, Mapping[str, int]]
    words: Mapping[str, float]
    studies_with_a_shared_report: int
    patients_in_several_splits: int
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Give the summary as JSON, with its schema."""
        return {"schema": SCHEMA, **asdict(self)}

    def lines(self) -> list[str]:
        """Give the summary as lines for a person."""
        lines = [f"{self.name} ({self.format}), images below {self.root}"]
        lines += _listed("read", self.read) + _listed("dropped", self.dropped)
        lines.append(
            f"  kept: {self.pairs:,} pairs, {self.images:,} images, {self.studies:,} studies, "
            f"{self.patients:,} patients"
        )
        lines += _listed("views", self.views)
        lines += [f"  split {name}: {_counted(counts)}" for name, counts in self.splits.items()]
        lines += [f"  label {name}: {_counted(counts)}" for name, counts in self.labels.items()]
        lines.append(
            "  words of a report: " + ", ".join(f"{key} {value:g}" for key, value in self.words.items())
        )
        lines.append(
            f"  studies whose report another study has: {self.studies_with_a_shared_report:,}; patients in "
            f"several splits: {self.patients_in_several_splits:,}"
        )
        return lines + [f"Note: {note}" for note in self.notes]


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{value:,} {key}" for key, value in counts.items())


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
    crossing = 0
    if "split" in pairs.columns:
        several = pairs.group_by("patient_id").agg(pl.col("split").n_unique())["split"]
        crossing = int((several > 1).sum())
    return CohortSummary(
        format=format,
        name=cohort.name,
        root=str(cohort.root),
        read=dict(read),
        dropped=dict(sorted(dropped.items(), key=lambda each: (-each[1], each[0]))),
        pairs=len(pairs),
        patients=cohort.patients,
        studies=cohort.studies,
        images=pairs["image"].n_unique(),
        views=_values(pairs, "view"),
        splits=_splits(pairs),
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


def _splits(pairs: pl.DataFrame) -> dict[str, dict[str, int]]:
    if "split" not in pairs.columns or pairs["split"].n_unique() > MOST_VALUES:
        return {}
    counts = pairs.group_by("split").agg(
        pl.len().alias("pairs"),
        pl.col("study_id").n_unique().alias("studies"),
        pl.col("patient_id").n_unique().alias("patients"),
    )
    names = ("pairs", "studies", "patients")
    rows = counts.sort("split").iter_rows()
    return {str(split): dict(zip(names, row, strict=True)) for split, *row in rows}


def _label(values: pl.Series) -> dict[str, int]:
    return {
        "positive": int((values == POSITIVE).sum()),
        "negative": int((values == NEGATIVE).sum()),
        "uncertain": int((values == UNCERTAIN).sum()),
        "not mentioned": values.null_count(),
    }


def _words(reports: pl.Series) -> dict[str, float]:
    words = reports.str.count_matches(r"\S+")
    quantiles = {"min": 0.0, "5 %": 0.05, "median": 0.5, "95 %": 0.95, "max": 1.0}
    return {name: float(words.quantile(at, "nearest") or 0) for name, at in quantiles.items()}
