"""`relinkage cohort`: a data set as a researcher has it on disk, read into a cohort table."""

from pathlib import Path
from typing import Annotated

import click

from relinkage.cli.options import command
from relinkage.cohorts.places import check_cohort_file
from relinkage.cohorts.readers.settings import FormatName, ReadOptions, check_cohort_path
from relinkage.options import Option, Settings


class DataSet(Settings, frozen=True):
    """A data set on disk.

    Attributes:
        path: A table, a folder, or FORMAT:FOLDER.
        format: What PATH is.
    """

    path: Annotated[Path, Option(argument=True, metavar="PATH")]
    format: Annotated[FormatName | None, Option(default="recognised")] = None


class CohortOutput(Settings, frozen=True):
    """What is left of the reading.

    Attributes:
        out: Table to write, .parquet or .csv.
        json: Print the summary alone, as JSON.
    """

    out: Annotated[Path | None, Option(metavar="FILE", default="only the summary")] = None
    json: bool = False


@command("cohort", source=DataSet, options=ReadOptions, output=CohortOutput)
def cohort(source: DataSet, options: ReadOptions, output: CohortOutput) -> None:
    """Read a data set at PATH into a cohort table, and say what it holds and what was left out."""
    check_cohort_path(source.path)
    if output.out is not None:
        check_cohort_file(output.out, source.path)

    from relinkage.cohorts.readers import read
    from relinkage.cohorts.tabular import write_cohort
    from relinkage.progress import say
    from relinkage.records import json_text

    reading = read(source.path, options, source.format)
    if output.json:
        click.echo(json_text(reading.summary))
    else:
        say(*reading.summary.lines())
    if output.out is not None:
        root = reading.cohort.root
        write_cohort(reading.cohort, output.out)
        say(f"{output.out}: {len(reading.cohort)} pairs")
        if output.out.resolve().parent != root.resolve():
            say(f"Its image paths are relative to {root}: name it with --root where it is used")
