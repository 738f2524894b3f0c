"""`relinkage harden`: heads trained with differential privacy, and what that spends."""

from pathlib import Path
from typing import Annotated

from relinkage.cli.inputs import Existing, PublicInputs, TrainingSplit
from relinkage.cli.options import command
from relinkage.cli.outputs import HeadsOutput
from relinkage.encoders.trained.hardening import HardenSettings
from relinkage.errors import InputError
from relinkage.options import Option, Settings


class Controls(Settings, frozen=True):
    """What hardened heads are held against.

    Attributes:
        controls: Folder for a table of the heads beside their controls.
        against: Baseline of --controls.
        transfer: Second embeddings of the same model, for --controls.
    """

    controls: Annotated[Path | None, Option(metavar="FOLDER")] = None
    against: Annotated[Path | None, Option(exists=True, default="what training starts from")] = None
    transfer: Existing = None

    def check(self) -> None:
        """Check that there is a table for what is given.

        Raises:
            InputError: there is none.
        """
        for option, value in (("--against", self.against), ("--transfer", self.transfer)):
            if value is not None and self.controls is None:
                raise InputError(f"{option} goes with --controls; name a folder for the table.")


@command(
    "harden",
    inputs=TrainingSplit, settings=HardenSettings, public=PublicInputs, table=Controls, output=HeadsOutput,
)  # fmt: skip
def harden(
    inputs: TrainingSplit,
    settings: HardenSettings,
    public: PublicInputs,
    table: Controls,
    output: HeadsOutput,
) -> None:
    """Train projection heads on EMB, or on arrays, with differential privacy, and state what that spends."""
    output.check_place()

    from relinkage import studies
    from relinkage.studies.hardening import harden_embeddings

    embeddings = inputs.read()
    known = studies.read_public(public.start, public.public, public.anchors)
    against = studies.heads_of(table.against)
    transfer = None if table.transfer is None else studies.open(table.transfer)
    if table.controls is not None:
        studies.check_controls(table.controls, embeddings, inputs.train, known, against, transfer)
    hardened = harden_embeddings(embeddings, inputs.train, settings, known, output.out)
    if table.controls is None:
        made = hardened.manifest
        stated = None if made is None else made.privacy
        output.show(made, f"{output.out}: {stated.sentence if stated else 'no privacy is stated'}")
        return

    from relinkage.progress import say
    from relinkage.reports.defences_table import defences_table

    result = studies.run_controls(
        embeddings, hardened, settings,
        train=inputs.train, public=known, against=against, transfer=transfer,
    )  # fmt: skip
    report = studies.write_controls(result, table.controls)
    output.show(result, defences_table(result))
    say(f"The report is in {report}")
