"""Commands that set results side by side: comparisons, usefulness, reports."""

from pathlib import Path
from typing import Any

import click

from relinkage.cli.options import FILE, HEADS, REPLICATES, SEED, print_result
from relinkage.errors import InputError


@click.command()
@click.argument("runs", type=FILE, nargs=-1, required=True, metavar="RUN RUN...")
@click.option("--out", type=FILE, help="Folder to write: comparison.json, report.html.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison alone, as JSON.")
def compare(runs: tuple[Path, ...], out: Path | None, as_json: bool) -> None:
    """Paired tests between audits of the same queries; the first RUN is the baseline."""
    from relinkage import studies
    from relinkage.reports import comparison_table

    comparison = studies.compare_runs(runs)
    if out is not None:
        studies.write_comparison(comparison, out)
    report_file = None if out is None else out / studies.REPORT
    print_result(comparison.result, as_json, comparison_table(comparison.result), report_file)


@click.command()
@click.argument("embeddings", type=FILE, metavar="EMB")
@HEADS
@click.option("--against", type=FILE, help="Baseline of --heads.  [default: the model's own heads]")
@click.option("--split", default="test", show_default=True, help="Split to measure on.")
@click.option("--fit", default="train", show_default=True, help="Split to fit linear probes on.")
@click.option("--k", type=int, default=10, show_default=True, help="Cases that retrieval looks at.")
@click.option(
    "--uncertain",
    type=click.Choice(["left-out", "positive", "negative"]),
    default="left-out",
    show_default=True,
    help="What an uncertain label (-1) counts as.",
)
@click.option(
    "--absent",
    type=click.Choice(["negative", "left-out"]),
    default="negative",
    show_default=True,
    help="What a label counts as that the report does not mention.",
)
@click.option(
    "--exclude",
    type=click.Choice(["study", "patient"]),
    default="study",
    show_default=True,
    help="Never retrieve cases of the query's own study, or of its patient.",
)
@click.option(
    "--prompts", type=FILE, help="Prompts for zero-shot labels: JSON, or a CSV of label,positive,negative."
)
@click.option("--model", help="Where the encoder lies, for its text tower.  [default: as EMB names it]")
@click.option("--intervals", type=float, default=0.95, show_default=True, help="Level of the intervals.")
@REPLICATES
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option("--out", type=FILE, help="Folder to write: utility.json.")
@click.option("--json", "as_json", is_flag=True, help="Print the result alone, as JSON.")
def utility(
    embeddings: Path, heads: Path | None, against: Path | None, split: str, fit: str, k: int, uncertain: Any,
    absent: Any, exclude: Any, prompts: Path | None, model: str | None, intervals: float, replicates: int,
    seed: int, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """What must stay useful: linear probes, clinical retrieval and zero-shot labels of EMB."""
    from relinkage.linkage import Resampling
    from relinkage.progress import say
    from relinkage.reports.utility import utility_table
    from relinkage.studies.utility import check_utility, measure_utility, write_utility
    from relinkage.utility import UtilitySettings

    settings = UtilitySettings(
        fit, split, k, uncertain, absent, exclude, resampling=Resampling(intervals, replicates, seed)
    )
    if out is not None:
        check_utility(out)
    result = measure_utility(embeddings, heads, against, settings, prompts=prompts, model=model)
    file = None if out is None else write_utility(result, out)
    for note in result["notes"]:
        say(f"Note: {note}")
    print_result(result, as_json, utility_table(result), None)
    if file is not None:
        say(f"The result is in {file}")


@click.command()
@click.argument("runs", type=FILE, nargs=-1, required=True, metavar="RUN...")
@click.option("--out", type=FILE, default=Path("report.html"), show_default=True, help="HTML file to write.")
def report(runs: tuple[Path, ...], out: Path) -> None:
    """One HTML report over one or several runs; several make a ladder."""
    from relinkage.progress import say
    from relinkage.reports import write_report

    if out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--out {out} is no HTML file; give a name that ends in .html.")
    say(f"The report is in {write_report(runs, out)}")
