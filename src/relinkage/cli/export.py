"""`relinkage export`: trained heads put back into their model."""

from pathlib import Path
from typing import Annotated

from relinkage.cli.options import command
from relinkage.cli.outputs import Printed
from relinkage.options import Option, Settings
from relinkage.studies.places import check_export


class ExportInputs(Settings, frozen=True):
    """Heads, and the model that they belong to.

    Attributes:
        heads: Folder of trained heads.
        model: Folder of the model that the heads belong to.
        any_revision: Also where the heads name another revision of the model.
    """

    heads: Annotated[Path, Option(argument=True, exists=True)]
    model: Annotated[Path, Option(exists=True)]
    any_revision: bool = False


class ExportOutput(Printed, frozen=True):
    """Where a model with other heads goes.

    Attributes:
        out: Folder for the model with these heads.
    """

    out: Annotated[Path, Option(metavar="FOLDER")]


@command("export", inputs=ExportInputs, output=ExportOutput)
def export(inputs: ExportInputs, output: ExportOutput) -> None:
    """Put HEADS back into their model: a checkpoint for transformers or open_clip."""
    check_export(output.out, inputs.model)

    from relinkage.progress import say
    from relinkage.studies import export

    made = export(inputs.heads, inputs.model, output.out, any_revision=inputs.any_revision)
    output.show(
        made,
        f"{output.out}: {made.model} for {' and '.join(made.layouts)}, {made.dimension} dimensions\n"
        f"{made.privacy}",
    )
    if made.left_out:
        say(f"Left out, as they hold the earlier heads: {', '.join(made.left_out)}")
