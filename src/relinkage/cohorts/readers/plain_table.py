"""Plain tables: CSV or Parquet with the columns of a cohort, whose further columns are kept."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import polars as pl

from relinkage.cohorts import tabular
from relinkage.cohorts.cells import present
from relinkage.cohorts.readers.assembling import Rows, check_left, drop_unusable
from relinkage.cohorts.readers.free_columns import is_frontal
from relinkage.cohorts.readers.on_disk import IMAGE_SUFFIXES, survey
from relinkage.cohorts.readers.protocol import Found
from relinkage.cohorts.readers.settings import ReadOptions
from relinkage.cohorts.splits import with_split
from relinkage.cohorts.table import Cohort
from relinkage.errors import InputError


def read(path: Path, options: ReadOptions) -> tuple[Cohort, Counter[str], dict[str, int]]:
    """Read a plain table; a row without an image on disk or without a report is dropped.

    Args:
        path: the table, or a folder that holds one.
        options: how it is read.

    Returns:
        The cohort, how many rows were dropped, by reason, and what was read, in numbers by name.

    Raises:
        InputError: the table breaks the cohort schema, no image is on disk, no row is left, or an option
            names something that is not there.
    """
    options.refuse("table", "section", "labels", "patients", "reports", "image_column")
    cohort = tabular.read_cohort(path, options.root)
    pairs = cohort.pairs
    view = pl.col("view") if "view" in pairs.columns else pl.lit(None, pl.String)
    usable = pairs.select("image", report=present(pairs["report"]), frontal=is_frontal(view))
    rows = Rows(usable.with_row_index("row"), Counter())
    found = Found(usable, cohort.root, pictured=_pictured(cohort, options))
    _check_single(pairs["image"], str(path))
    drop_unusable(rows, found, options, str(path))
    check_left(rows, str(path))
    kept = pairs[rows.table["row"]].with_columns(rows.table["image"])
    if rows.dropped or not kept["image"].equals(pairs["image"]):
        cohort = cohort.with_pairs(kept, str(path))
    cohort = replace(cohort, notes=(*found.notes, *cohort.notes))
    if options.split == "official" and "split" not in kept.columns:
        raise InputError(f"{path} has no split of its own; choose --split random.")
    if options.split == "random":
        cohort = with_split(cohort, train=options.train_share, seed=options.seed)
    return cohort, rows.dropped, {"rows": len(pairs)}


def _check_single(images: pl.Series, source: str) -> None:
    """Check that no cell of a table of texts is a list of images, as `['a.png', 'b.png']`.

    Raises:
        InputError: one is.
    """
    lists = images.str.contains(r"^\s*\[\s*['\"].*\]\s*$").arg_true()
    if len(lists):
        raise InputError(
            f"{source} row {int(lists[0]) + 1} has a list of images in its cell; write a row for each image, "
            "all with the study_id and the report of their study."
        )


def _pictured(cohort: Cohort, options: ReadOptions) -> bool:
    """Return whether a folder of images is named or there: a table alone is read without."""
    if options.root is not None or not cohort.root.is_dir():
        return cohort.root.is_dir()
    seen = survey(cohort.root)
    above = {*cohort.pairs["image"].str.extract(r"^([^/]+)/", 1).drop_nulls().unique()}
    folders = {folder.name for folder in seen.folders if folder.parent == cohort.root}
    images = (file.name.lower().endswith(IMAGE_SUFFIXES) for file in seen.files)
    return not above.isdisjoint(folders) or any(images)
