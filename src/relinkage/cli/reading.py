"""Commands that read what a researcher has on disk: a data set into a cohort table."""

from pathlib import Path
from typing import Any

import click

from relinkage.cli.options import FILE, SEED

FORMATS = "mimic-cxr-jpg", "chexpert-plus", "open-i", "open-i-xml", "huggingface", "webdataset", "table"


@click.command("cohort")
@click.argument("path", type=FILE)
@click.option("--out", type=FILE, help="Table to write, .parquet or .csv.  [default: only the summary]")
@click.option("--format", type=click.Choice(FORMATS), help="What PATH is.  [default: recognised]")
@click.option("--root", type=FILE, help="Folder that image paths are relative to.  [default: the format's]")
@click.option(
    "--section",
    help="Sections that stand for the report: a comma for or else, + to join, such as findings+impression,"
    "last_paragraph; columns of a data set without fixed ones.  [default: the format's]",
)
@click.option(
    "--views", type=click.Choice(["all", "frontal"]), default="all", show_default=True, help="Rows to keep."
)
@click.option(
    "--split",
    type=click.Choice(["official", "random"]),
    help="The data set's own, or a seeded one that no patient crosses.  [default: its own where it has one]",
)
@click.option("--train-share", type=float, default=0.8, show_default=True, help="Of a random split.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of a random split.")
@click.option(
    "--labels",
    help="chexpert, negbio or test-set (MIMIC-CXR-JPG); impression, findings or report (CheXpert Plus).",
)
@click.option("--patients", type=FILE, help="MIMIC-IV's patients.csv(.gz), for sex and age.")
@click.option("--reports", type=FILE, help="MIMIC-CXR's reports: the zip, its folder, the sectioned table.")
@click.option("--image-column", help="Column of images in a Hugging Face data set.")
@click.option("--unchecked", is_flag=True, help="Do not look whether the image files are there.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary alone, as JSON.")
def cohort(
    path: Path, out: Path | None, format: Any, root: Path | None, section: str | None, views: Any, split: Any,
    train_share: float, seed: int, labels: str | None, patients: Path | None, reports: Path | None,
    image_column: str | None, unchecked: bool, as_json: bool,
) -> None:  # fmt: skip
    """Read a data set at PATH into a cohort table, and say what it holds and what was left out."""
    import json

    from relinkage.cohorts.readers import ReadOptions, read
    from relinkage.cohorts.tabular import check_cohort_file, write_cohort
    from relinkage.progress import say

    if out is not None:
        check_cohort_file(out, path)
    options = ReadOptions(
        section=section, views=views, split=split, train=train_share, seed=seed, labels=labels,
        patients=patients, reports=reports, root=root, image_column=image_column, check_images=not unchecked,
    )  # fmt: skip
    reading = read(path, options, format)
    if as_json:
        click.echo(json.dumps(reading.summary.as_json(), indent=1, allow_nan=False))
    else:
        say("\n".join(reading.summary.lines()))
    if out is not None:
        write_cohort(reading.cohort, out)
        say(f"{out}: {len(reading.cohort)} pairs")
        if out.resolve().parent != reading.cohort.root.resolve():
            say(
                f"Its image paths are relative to {reading.cohort.root}: name it with --root where it is used"
            )


def read_aloud(path: Path, root: Path | None) -> Any:
    """Read the COHORT of a command and say what was read, before anything expensive starts."""
    from relinkage.cohorts.readers import ReadOptions, read
    from relinkage.cohorts.readers.recognise import TABLE
    from relinkage.progress import say

    reading = read(path, ReadOptions(root=root))
    if reading.summary.format == TABLE:
        for note in reading.cohort.notes:
            say(f"Note: {note}")
    else:
        say("\n".join(reading.summary.lines()))
    return reading.cohort
