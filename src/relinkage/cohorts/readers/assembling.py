"""From what a reader found to a cohort: rows that cannot be used go, each counted by its first reason."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import polars as pl

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

Drop = Callable[[pl.Expr, str], None]


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
    table, dropped = found.table, Counter(found.dropped)
    if "patient_id" in table.columns and table["patient_id"].null_count() == len(table):
        table = table.drop("patient_id")
    defaults = {"trouble": pl.String, "text_from": pl.String, "frontal": pl.Boolean}
    table = table.with_columns(
        pl.lit(None, kind).alias(column) for column, kind in defaults.items() if column not in table.columns
    )

    def drop(rows: pl.Expr, reason: str) -> None:
        nonlocal table
        before = len(table)
        table = table.filter(~rows.fill_null(False))
        if len(table) < before:
            dropped[reason] += before - len(table)

    for reason, count in table["trouble"].drop_nulls().value_counts().sort("trouble").iter_rows():
        dropped[reason] += count
    table = table.filter(pl.col("trouble").is_null())
    _drop_unnamed(drop, [column for column in IDS if column in table.columns])
    if found.listed and not table.is_empty():
        table = table.with_columns(image=_on_disk(table["image"], found, options, source))
        drop(pl.col("image").is_null(), NOT_ON_DISK)
    if options.views == "frontal":
        drop(pl.col("frontal").is_null(), NO_VIEW)
        drop(~pl.col("frontal"), NOT_FRONTAL)
    drop(pl.col("report").is_null(), NO_REPORT)
    drop(pl.col("report").str.strip_chars() == "", NO_TEXT)
    drop(pl.col("report").str.len_bytes() > LONGEST_REPORT, TOO_LONG)
    if "split" in table.columns and table["split"].null_count() == len(table):
        table = table.drop("split")
    if "split" in table.columns:
        drop(pl.col("split").is_null(), NO_SPLIT)
    elif options.split == "official":
        raise InputError(f"{source} has no split of its own; choose --split random.")
    if table.is_empty():
        why = "; ".join(f"{count} × {reason}" for reason, count in dropped.most_common(3))
        raise InputError(f"{source} leaves no pair of an image and a report ({why or 'no rows'}); check it.")
    return _cohort(table, found, options, name, source), dropped


def _drop_unnamed(drop: Drop, ids: Sequence[str]) -> None:
    for column in (*ids, "image"):
        drop(pl.col(column).is_null() | (pl.col(column).str.strip_chars() == ""), NO_ID)
    drop(~pl.col("pair_id").is_first_distinct(), REPEATED)
    drop(pl.col("image").str.contains(r"(^|[/\\])\.\.([/\\]|$)|^[/\\~]|^[A-Za-z]:|[\x00-\x1f]"), UNSAFE)
    if "patient_id" in ids:
        drop(pl.col("patient_id").n_unique().over("study_id") > 1, TWO_PATIENTS)


def _on_disk(images: pl.Series, found: Found, options: ReadOptions, source: str) -> pl.Series:
    """Give the paths of images that are on disk; those inside containers are taken as they are."""
    contained = images.str.contains("::", literal=True)
    if contained.all():
        return images
    if options.unchecked or not found.pictured:
        found.notes.append(
            "Image files were not looked for."
            if found.pictured
            else f"There is no folder of images below {found.root}: none was looked for."
        )
        return images if found.places[0] == "" else found.places[0] + images
    files = pl.select(pl.when(~contained).then(images)).to_series()
    located, others = locate(found.root, files, found.places)
    if located.null_count() == len(located):
        raise InputError(
            f"None of the {len(files)} images that {source} names is below {found.root}; name the folder "
            "that holds them with --root, or make the table without looking for them with --unchecked."
        )
    if others:
        found.notes.append(f"{others} image files lie beside the others and belong to no row.")
    return pl.select(pl.when(contained).then(images).otherwise(located)).to_series()


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
