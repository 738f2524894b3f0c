"""`relinkage defend`: hardened heads beside what else would have lowered linkage."""

from pathlib import Path
from typing import Annotated

from relinkage.cli.inputs import PublicInputs, SplitSubject
from relinkage.cli.options import command
from relinkage.cli.outputs import Printed
from relinkage.defences.result import DEFENCES, SCHEMA
from relinkage.defences.settings import DefendSettings
from relinkage.files import check_folder
from relinkage.options import Option, Settings


class Hardened(Settings, frozen=True):
    """Hardened heads, and what they are held against.

    Attributes:
        heads: Folder that `relinkage harden` wrote; its manifest says how to train the same again.
        against: Heads that all rows are compared with.
        at: Further embeddings of the same model, on which all rows are judged again.
    """

    heads: Annotated[Path, Option(exists=True)]
    against: Annotated[Path | None, Option(exists=True, default="what training started from")] = None
    at: Annotated[tuple[Path, ...], Option(exists=True, metavar="EMB[,EMB...]")] = ()


class TableOutput(Printed, frozen=True):
    """Where the table goes.

    Attributes:
        out: Folder for the table: defences.json and page.html.
    """

    out: Annotated[Path, Option(metavar="FOLDER")]

    def check_place(self) -> None:
        """Check that a table may be written there, before any work is done.

        Raises:
            InputError: there is something else.
        """
        check_folder(self.out, DEFENCES, SCHEMA)


@command(
    "defend",
    inputs=SplitSubject, hardened=Hardened, public=PublicInputs, settings=DefendSettings, output=TableOutput,
)  # fmt: skip
def defend(
    inputs: SplitSubject,
    hardened: Hardened,
    public: PublicInputs,
    settings: DefendSettings,
    output: TableOutput,
) -> None:
    """Judge hardened heads beside every baseline: linkage by the strongest attackers, and use both ways."""
    output.check_place()

    from relinkage import studies
    from relinkage.pages.defences_table import defences_table
    from relinkage.progress import say

    result = studies.defend(
        inputs.read(), heads=hardened.heads, settings=settings,
        start=public.start, public=public.public, anchors=public.anchors,
        against=hardened.against, at=hardened.at,
    )  # fmt: skip
    page = studies.write_defences(result, output.out)
    output.show(result, defences_table(result))
    say(f"The page is in {page}")
