"""`relinkage compare`: paired tests between runs."""

from pathlib import Path
from typing import Annotated

from relinkage.cli.inputs import Runs
from relinkage.cli.options import command
from relinkage.cli.outputs import Printed
from relinkage.files import check_folder
from relinkage.linkage.comparison_result import COMPARISON, SCHEMA
from relinkage.options import Option
from relinkage.progress import say
from relinkage.studies.places import PAGE


class ComparisonOutput(Printed, frozen=True):
    """Where a comparison goes.

    Attributes:
        out: Folder to write: comparison.json, page.html.
    """

    out: Annotated[Path | None, Option(metavar="FOLDER")] = None


@command("compare", inputs=Runs, output=ComparisonOutput)
def compare(inputs: Runs, output: ComparisonOutput) -> None:
    """Paired tests between audits of the same queries; the first RUN is the baseline."""
    if output.out is not None:
        check_folder(output.out, COMPARISON, SCHEMA)

    from relinkage import studies
    from relinkage.pages import comparison_table

    comparison = studies.compare(*inputs.folders)
    if output.out is not None:
        comparison.save(output.out)
    output.show(comparison.result, comparison_table(comparison.result))
    if output.out is not None:
        say(f"The page is in {output.out / PAGE}")
