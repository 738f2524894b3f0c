"""The one door to cohorts: a table, a folder in a known format, or a format and a folder."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import msgspec
import polars as pl

from relinkage.cohorts import tabular
from relinkage.cohorts.readers.assembling import NO_VIEW, NOT_FRONTAL, assemble
from relinkage.cohorts.readers.free_columns import is_frontal
from relinkage.cohorts.readers.on_disk import survey
from relinkage.cohorts.readers.recognise import TABLE, by_name, recognise
from relinkage.cohorts.readers.settings import ReadOptions, format_and_path
from relinkage.cohorts.readers.summary import CohortSummary, summarise
from relinkage.cohorts.splits import with_split
from relinkage.cohorts.table import Cohort
from relinkage.errors import InputError


@dataclass(frozen=True)
class Reading:
    """A cohort and what there is to say of how it was read.

    Attributes:
        cohort: the cohort.
        summary: its numbers.
    """

    cohort: Cohort
    summary: CohortSummary


def read(path: str | Path, options: ReadOptions | None = None, format: str | None = None) -> Reading:
    """Read a cohort from whatever is at `path`.

    Args:
        path: a table, a folder, or a name of a format, a colon and one of these.
        options: how it is read.
        format: one of `settings.NAMES`; None recognises it.

    Raises:
        InputError: there is nothing, none or several formats fit, or it cannot be read.
    """
    options = options or ReadOptions()
    named, path = format_and_path(Path(path))
    tree = survey(path)
    kind = format or named or recognise(tree)
    if kind == TABLE:
        return _read_table(path, options)
    if options.root is not None and not options.root.is_dir():
        raise InputError(f"{options.root} is no folder; name the one that image paths are relative to.")
    found = by_name(kind).read(tree, options)
    cohort, dropped = assemble(found, options, found.root.resolve().name, str(path))
    return Reading(cohort, summarise(cohort, kind, found.read, dropped))


def _read_table(path: Path, options: ReadOptions) -> Reading:
    """Read a plain table, whose rows are taken as they are but for the views that are asked for."""
    options.refuse(TABLE, "section", "labels", "patients", "reports", "image_column")
    cohort = tabular.read_cohort(path, options.root)
    counts, dropped = {"rows": len(cohort)}, Counter[str]()
    if options.views == "frontal":
        view = pl.col("view") if "view" in cohort.pairs.columns else pl.lit(None, pl.String)
        frontal = cohort.pairs.select(is_frontal(view).alias("frontal").repeat_by(1).explode()).to_series()
        dropped += Counter({NO_VIEW: frontal.null_count(), NOT_FRONTAL: int((~frontal).sum())})
        pairs = cohort.pairs.filter(frontal.fill_null(False))
        if pairs.is_empty():
            raise InputError(f"{path} has no row with a frontal view; read it with --views all.")
        cohort = cohort.with_pairs(pairs, str(path))
    if options.split == "official" and "split" not in cohort.pairs.columns:
        raise InputError(f"{path} has no split of its own; choose --split random.")
    if options.split == "random":
        cohort = with_split(cohort, train=options.train_share, seed=options.seed)
    return Reading(cohort, summarise(cohort, TABLE, counts, dropped))


def read_cohort(
    path: str | Path,
    root: str | Path | None = None,
    *,
    format: str | None = None,
    options: ReadOptions | None = None,
) -> Cohort:
    """Read a cohort from a table, or from a folder in a known format; `read` also says what was left out.

    Args:
        path: a `.csv`, `.csv.gz` or `.parquet` file, a folder, or `FORMAT:FOLDER`.
        root: the folder that image paths are relative to, where not the format's own.
        format: the name of a format; None recognises it.
        options: further choices.

    Raises:
        InputError: nothing is there, it cannot be read, or it breaks the cohort schema.
    """
    options = options or ReadOptions()
    if root is not None:
        options = msgspec.structs.replace(options, root=Path(root))
    return read(path, options, format).cohort
