"""`relinkage utility`: what must stay useful."""

from pathlib import Path
from typing import Annotated

from relinkage.cli.inputs import Existing, SplitSubject
from relinkage.cli.options import command
from relinkage.cli.outputs import Printed
from relinkage.files import check_folder
from relinkage.options import Option
from relinkage.progress import say
from relinkage.usefulness.result import SCHEMA, UTILITY
from relinkage.usefulness.settings import UtilitySettings


class Measured(SplitSubject, frozen=True):
    """What is measured, and beside what.

    Attributes:
        heads: Trained heads to put on.
        against: Baseline of --heads.
        prompts: Prompts for zero-shot labels: JSON, or a CSV of label,positive,negative.
        model: Where the encoder lies, for its text tower.
    """

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


@command("utility", inputs=Measured, settings=UtilitySettings, output=UtilityOutput)
def utility(inputs: Measured, settings: UtilitySettings, output: UtilityOutput) -> None:
    """What must stay useful: linear probes, clinical retrieval and zero-shot labels of EMB, or of arrays."""
    if output.out is not None:
        check_folder(output.out, UTILITY, SCHEMA)

    from relinkage import studies
    from relinkage.pages.utility import utility_table

    result = studies.measure_utility(
        inputs.read(), studies.heads_of(inputs.heads), studies.heads_of(inputs.against), settings,
        prompts=inputs.prompts, model=inputs.model,
    )  # fmt: skip
    file = None if output.out is None else studies.write_utility(result, output.out)
    output.show(result, utility_table(result), result.notes)
    if file is not None:
        say(f"The result is in {file}")
