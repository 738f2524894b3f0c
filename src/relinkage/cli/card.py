"""`relinkage card`: the audit card of runs, with the context of a release."""

from pathlib import Path
from typing import TYPE_CHECKING

from relinkage.cli.inputs import Existing, Runs
from relinkage.cli.options import command
from relinkage.errors import InputError
from relinkage.files import check_file, whole_file
from relinkage.options import Settings
from relinkage.progress import say

if TYPE_CHECKING:
    from relinkage.policies import Context


class CardFile(Settings, frozen=True):
    """What stands on a card beside the figures, and where it goes.

    Attributes:
        context: TOML file with the context of the release: recipient, controls, owner, expiry, …
        out: Markdown file to write.
    """

    context: Existing = None
    out: Path = Path("card.md")

    def check(self) -> None:
        """Check that the file is a Markdown file.

        Raises:
            InputError: its name has another ending.
        """
        if self.out.suffix.lower() != ".md":
            raise InputError(f"--out {self.out} is not a Markdown file; give a name that ends in .md.")


@command("card", inputs=Runs, output=CardFile)
def card(inputs: Runs, output: CardFile) -> None:
    """The audit card of one or several runs, Markdown to publish beside a model card."""
    check_file(output.out)

    context = check_files(output)

    from relinkage.pages import read_audit, render_card

    text = render_card([read_audit(run) for run in inputs.folders], context)
    with whole_file(output.out) as temporary:
        temporary.write_bytes(text.encode("utf-8", "replace"))
    say(f"The card is in {output.out}")


def check_files(output: CardFile, **_: Settings) -> "Context | None":
    """Return the context, before a run is read.

    Raises:
        InputError: it is not valid; all of its mistakes are told.
    """
    from relinkage.policies.context import read_context

    return None if output.context is None else read_context(output.context)
