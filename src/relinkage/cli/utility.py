"""`relinkage utility`: what must stay useful."""

from pathlib import Path
from typing import Annotated

from relinkage.cli.inputs import Existing, Folder
from relinkage.cli.options import command
from relinkage.cli.outputs import Printed
from relinkage.files import check_folder
from relinkage.options import Option, Settings
from relinkage.progress import say
from relinkage.utility.result import SCHEMA, UTILITY
from relinkage.utility.settings import UtilitySettings


class MeasuredInputs(Settings, frozen=True):
    """What is measured, and beside what.

    Attributes:
        embeddings: Folder that `relinkage embed` wrote.
        heads: Trained heads for EMB.
        against: Baseline of --heads.
        prompts: Prompts for zero-shot labels: JSON, or a CSV of label,positive,negative.
        model: Where the encoder lies, for its text tower.
    """

    embeddings: Folder
    heads: Annotated[Path | None, Option(exists=True, default="the model's own")] = None
    against: Annotated[Path | None, Option(exists=True, default="the model's own heads")] = None
    prompts: Existing = None
    model: Annotated[str | None, Option(default="as EMB names it")] = None


class UtilityOutput(Printed, frozen=True):
    """Where a measurement goes.

    Attributes:
        out: Folder to write: utility.json.
    """

    out: Annotated[Path | None, Option(metavar="FOLDER")] = None


@command("utility", inputs=MeasuredInputs, settings=UtilitySettings, output=UtilityOutput)
def utility(inputs: MeasuredInputs, settings: UtilitySettings, output: UtilityOutput) -> None:
    """What must stay useful: linear probes, clinical retrieval and zero-shot labels of EMB."""
    if output.out is not None:
        check_folder(output.out, UTILITY, SCHEMA)

    from relinkage.reports.utility import utility_table
    from relinkage.studies.utility import measure_utility, write_utility

    result = measure_utility(
        inputs.embeddings, inputs.heads, inputs.against, settings, prompts=inputs.prompts, model=inputs.model
    )
    file = None if output.out is None else write_utility(result, output.out)
    output.show(result, utility_table(result), result.notes)
    if file is not None:
        say(f"The result is in {file}")
