"""From what a reader found to a cohort: rows that cannot be used go, each counted by its first reason."""

from collections import Counter
from dataclasses import dataclass, replace

import polars as pl

from relinkage.cohorts.image_paths import ABSOLUTE, below_root
from relinkage.cohorts.readers.on_disk import locate
from relinkage.cohorts.readers.protocol import LONGEST_REPORT, Found
from relinkage.cohorts.readers.settings import ReadOptions
from relinkage.cohorts.splits import with_split
from relinkage.cohorts.table import OPTIONAL, REQUIRED, Cohort
from relinkage.errors import InputError

NO_ID = "an id or the image's name is missing"
REPEATED = "the image stands there twice"
UNSAFE = "the image path leaves the folder"
TWO_PATIENTS = "the study has several patients"
NOT_ON_DISK = "the image is not on disk"
NOT_FRONTAL, NO_VIEW = "the view is not frontal", "the view is not known"
NO_REPORT, NO_TEXT = "no report", "no text in the sections asked for"
TOO_LONG = "the report is longer than 1 MB"
NO_SPLIT = "in no split"

IDS = ("pair_id", "study_id", "patient_id")


@dataclass
class Rows:
    """Rows of a table that are left, and how many were dropped, by reason.

    Attributes:
        table: what is left.
        dropped: rows that went, by the first reason of each.
    """

    table: pl.DataFrame
    dropped: Counter[str]

    def drop(self, rows: pl.Expr, reason: str) -> None:
        """Drop rows; those of which the expression does not know stay."""
        before = len(self.table)
        self.table = self.table.filter(~rows.fill_null(False))
        if len(self.table) < before:
            self.dropped[reason] += before - len(self.table)


def assemble(found: Found, options: ReadOptions, name: str, source: str) -> tuple[Cohort, Counter[str]]:
    """Check, filter and split what a reader found.

    Args:
        found: a row per image; `found.notes` and `found.read` are added to.
        options: the views and the split.
        name: what reports call the cohort.
        source: how messages name it.

    Returns:
        The cohort; and how many rows were dropped, by reason.

    Raises:
        InputError: no row is left, no image is on disk, or the split asked for is not there.
    """
    table = found.table
    if "patient_id" in table.columns and table["patient_id"].null_count() == len(table):
        table = table.drop("patient_id")
    defaults = {"trouble": pl.String, "text_from": pl.String, "frontal": pl.Boolean}
    table = table.with_columns(
        pl.lit(None, kind).alias(column) for column, kind in defaults.items() if column not in table.columns
    ).with_columns(below_root(table["image"], found.root))
    rows = Rows(table, Counter(found.dropped))
    for reason in table["trouble"].drop_nulls().unique().sort():
        rows.drop(pl.col("trouble") == reason, reason)
    _drop_unnamed(rows)
    others = drop_unusable(rows, found, options, source)
    if others:
        found.notes.append(f"{others} image files lie beside the others and belong to no row.")
    if "split" in rows.table.columns and rows.table["split"].null_count() == len(rows.table):
        rows.table = rows.table.drop("split")
    if "split" in rows.table.columns:
        rows.drop(pl.col("split").is_null(), NO_SPLIT)
    elif options.split == "official":
        raise InputError(f"{source} has no split of its own; choose --split random.")
    check_left(rows, source)
    return _cohort(rows.table, found, options, name, source), rows.dropped


def drop_unusable(rows: Rows, found: Found, options: ReadOptions, source: str) -> int:
    """Drop rows without an image on disk, of another view than asked for, and without a report of use.

    Args:
        rows: the rows, with `image`, `report` (null where there is none) and `frontal`.
        found: where images may lie; `found.notes` are added to.
        options: the views, and whether images are looked for.
        source: how messages name the table.

    Returns:
        How many image files lie beside those of the rows.

    Raises:
        InputError: no image is on disk.
    """
    others = 0
    if found.listed and not rows.table.is_empty():
        images, others = _on_disk(rows.table["image"], found, options, source)
        rows.table = rows.table.with_columns(image=images)
        rows.drop(pl.col("image").is_null(), NOT_ON_DISK)
    if options.views == "frontal":
        rows.drop(pl.col("frontal").is_null(), NO_VIEW)
        rows.drop(~pl.col("frontal"), NOT_FRONTAL)
    rows.drop(pl.col("report").is_null(), NO_REPORT)
    rows.drop(pl.col("report").str.strip_chars() == "", NO_TEXT)
    rows.drop(pl.col("report").str.len_bytes() > LONGEST_REPORT, TOO_LONG)
    return others


def check_left(rows: Rows, source: str) -> None:
    """Check that rows are left.

    Raises:
        InputError: there are none.
    """
    if rows.table.is_empty():
        most = rows.dropped.most_common(3)
        why = "; ".join(f"{count} × {reason}" for reason, count in most) or "no rows"
        do = "name the folder that all images lie in with --root" if UNSAFE in dict(most) else "check it"
        raise InputError(f"{source} leaves no pair of an image and a report ({why}); {do}.")


def _drop_unnamed(rows: Rows) -> None:
    ids = [column for column in IDS if column in rows.table.columns]
    for column in (*ids, "image"):
        rows.drop(pl.col(column).is_null() | (pl.col(column).str.strip_chars() == ""), NO_ID)
    rows.drop(~pl.col("pair_id").is_first_distinct(), REPEATED)
    rows.drop(pl.col("image").str.contains(rf"(^|[/\\])\.\.([/\\]|$)|{ABSOLUTE}|[\x00-\x1f]"), UNSAFE)
    if "patient_id" in ids:
        rows.drop(pl.col("patient_id").n_unique().over("study_id") > 1, TWO_PATIENTS)


def _on_disk(images: pl.Series, found: Found, options: ReadOptions, source: str) -> tuple[pl.Series, int]:
    """Give the paths of images that are on disk, those in containers as they are, and how many others are."""
    contained = images.str.contains("::", literal=True)
    if contained.all():
        return images, 0
    if options.unchecked or not found.pictured:
        found.notes.append(
            "Image files were not looked for."
            if found.pictured
            else f"There is no folder of images below {found.root}: none was looked for."
        )
        return (images if found.places[0] == "" else found.places[0] + images), 0
    files = pl.select(pl.when(~contained).then(images)).to_series()
    located, others = locate(found.root, files, found.places)
    if located.null_count() == len(located):
        raise InputError(
            f"None of the {len(files)} images that {source} names is below {found.root}; name the folder "
            "that holds them with --root, or make the table without looking for them with --unchecked."
        )
    return pl.select(pl.when(contained).then(images).otherwise(located)).to_series(), others


def _cohort(table: pl.DataFrame, found: Found, options: ReadOptions, name: str, source: str) -> Cohort:
    sources = table.unique("study_id")["text_from"].drop_nulls().value_counts(sort=True)
    for text_from, count in sources.iter_rows():
        found.read[f"studies with text from {text_from}"] = count
    optional = [
        column for column in OPTIONAL if column in table.columns and table[column].null_count() < len(table)
    ]
    labels = [label for label in found.labels if label in table.columns]
    table = table.select(*REQUIRED, *optional, *labels)
    cohort = Cohort.from_table(table, found.root, name, source)
    if options.split == "random":
        cohort = with_split(cohort, train=options.train_share, seed=options.seed)
    return replace(cohort, name=name, notes=(*found.notes, *cohort.notes))
