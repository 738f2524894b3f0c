"""The one door to cohorts: a table, a folder in a known format, or a format and a folder."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from relinkage.cohorts.readers import plain_table
from relinkage.cohorts.readers.assembling import assemble
from relinkage.cohorts.readers.on_disk import survey
from relinkage.cohorts.readers.recognise import TABLE, by_name, recognise
from relinkage.cohorts.readers.settings import ReadOptions, format_and_path
from relinkage.cohorts.readers.summary import CohortSummary, summarise
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
        cohort, dropped, counts = plain_table.read(path, options)
        return Reading(cohort, summarise(cohort, TABLE, counts, dropped))
    if options.root is not None and not options.root.is_dir():
        raise InputError(f"{options.root} is not a folder; name the one that image paths are relative to.")
    found = by_name(kind).read(tree, options)
    cohort, dropped = assemble(found, options, found.root.resolve().name, str(path))
    return Reading(cohort, summarise(cohort, kind, found.read, dropped))


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
