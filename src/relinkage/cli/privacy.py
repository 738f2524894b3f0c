"""`relinkage privacy`: what heads state of their privacy, computed again."""

from pathlib import Path
from typing import Annotated

from relinkage.cli.inputs import PublicInputs
from relinkage.cli.options import command
from relinkage.cli.outputs import Printed
from relinkage.errors import InputError
from relinkage.options import Option, Settings
from relinkage.privacy.settings import CanarySettings


class Stating(Settings, frozen=True):
    """The heads, and what they were trained on.

    Attributes:
        heads: Folder that `relinkage harden` wrote.
        embeddings: What HEADS were trained on, for --canaries and to show its ledger.
    """

    heads: Annotated[Path, Option(argument=True, exists=True)]
    embeddings: Annotated[Path | None, Option(metavar="EMB", exists=True)] = None


@command("privacy", inputs=Stating, attack=CanarySettings, public=PublicInputs, output=Printed)
def privacy(inputs: Stating, attack: CanarySettings, public: PublicInputs, output: Printed) -> int:
    """What HEADS state of their privacy, computed again; exit 1 where it does not hold.

    With --canaries, --start, --public and --anchors are those of the training, where it had some.
    """
    if attack.canaries is None:
        given = {"--start": public.start, "--public": public.public}
        for option, value in {**given, "--anchors": public.anchors}.items():
            if value is not None:
                raise InputError(f"{option} goes with --canaries; give a number of them, such as 1000.")
    elif inputs.embeddings is None:
        raise InputError("--canaries train again; name what the heads were trained on with --embeddings.")

    from relinkage.studies import check_by_canaries, check_statement, public_of, statement_text

    if attack.canaries is None or inputs.embeddings is None:
        result = check_statement(inputs.heads, inputs.embeddings)
    else:
        known = public_of(public.start, public.public, public.anchors)
        result = check_by_canaries(inputs.heads, inputs.embeddings, attack, known)
    output.show(result, statement_text(result))
    return 1 if result.faults else 0
