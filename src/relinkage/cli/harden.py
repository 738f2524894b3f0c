"""`relinkage harden`: heads trained with differential privacy, and what that spends."""

from pathlib import Path
from typing import Annotated

from relinkage.cli.inputs import Existing, PublicInputs, TrainingSplit
from relinkage.cli.options import command
from relinkage.cli.outputs import HeadsOutput
from relinkage.encoders.trained.hardening import HardenSettings
from relinkage.errors import InputError
from relinkage.options import Option, Settings


class Baselines(Settings, frozen=True):
    """What hardened heads are held against.

    Attributes:
        baselines: Folder for a table of the heads beside their baselines.
        against: Heads that all rows of --baselines are compared with.
        transfer: Second embeddings of the same model, for --baselines.
    """

    baselines: Annotated[Path | None, Option(metavar="FOLDER")] = None
    against: Annotated[Path | None, Option(exists=True, default="what training starts from")] = None
    transfer: Existing = None

    def check(self) -> None:
        """Check that there is a table for what is given.

        Raises:
            InputError: there is none.
        """
        for option, value in (("--against", self.against), ("--transfer", self.transfer)):
            if value is not None and self.baselines is None:
                raise InputError(f"{option} goes with --baselines; name a folder for the table.")


@command(
    "harden",
    inputs=TrainingSplit, settings=HardenSettings, public=PublicInputs, table=Baselines, output=HeadsOutput,
)  # fmt: skip
def harden(
    inputs: TrainingSplit,
    settings: HardenSettings,
    public: PublicInputs,
    table: Baselines,
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
    if table.baselines is not None:
        studies.check_baselines(table.baselines, embeddings, inputs.train, known, against, transfer)
    hardened = harden_embeddings(embeddings, inputs.train, settings, known, output.out)
    if table.baselines is None:
        made = hardened.manifest
        stated = None if made is None else made.privacy
        output.show(made, f"{output.out}: {stated.sentence if stated else 'no privacy is stated'}")
        return

    from relinkage.pages.defences_table import defences_table
    from relinkage.progress import say

    result = studies.judge_baselines(
        embeddings, hardened, settings,
        train=inputs.train, public=known, against=against, transfer=transfer,
    )  # fmt: skip
    page = studies.write_baselines(result, table.baselines)
    output.show(result, defences_table(result))
    say(f"The page is in {page}")
