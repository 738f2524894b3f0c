"""`relinkage memorisation`: what heads keep of the patients who trained them."""

from pathlib import Path
from typing import Annotated

from relinkage.cli.inputs import PublicInputs, SplitSubject
from relinkage.cli.options import command
from relinkage.cli.outputs import Printed
from relinkage.files import check_folder
from relinkage.options import Option
from relinkage.privacy.memorisation_result import MEMORISATION, SCHEMA
from relinkage.privacy.settings import MemorisationSettings
from relinkage.progress import say


class Remembered(SplitSubject, frozen=True):
    """What trained heads, and the heads.

    Attributes:
        heads: Heads that `relinkage align` or `relinkage harden` trained on EMB; they are trained again in
            the same way.
        against: Published heads, which saw both halves of the patients or neither.
    """

    heads: Annotated[Path, Option(exists=True)]
    against: Annotated[
        Path | None, Option(exists=True, default="those of --start, the model's own, else those of --heads")
    ] = None


class MemorisationOutput(Printed, frozen=True):
    """Where a measurement goes.

    Attributes:
        out: Folder to write: memorisation.json, page.html.
    """

    out: Annotated[Path | None, Option(metavar="FOLDER")] = None


@command(
    "memorisation",
    inputs=Remembered, settings=MemorisationSettings, public=PublicInputs, output=MemorisationOutput,
)  # fmt: skip
def memorisation(
    inputs: Remembered, settings: MemorisationSettings, public: PublicInputs, output: MemorisationOutput
) -> int:
    """What HEADS keep of the patients of EMB who trained them; exit 1 where that refutes their ε.

    Heads are trained again on halves of the patients. Patients who trained them are linked beside patients
    who did not, and a membership attack guesses which are which. --start, --public and --anchors are those of
    the training, where it had some.
    """
    if output.out is not None:
        check_folder(output.out, MEMORISATION, SCHEMA)

    from relinkage import studies
    from relinkage.pages.memorisation import memorisation_table

    heads, against = studies.heads_of(inputs.heads), studies.heads_of(inputs.against)
    assert heads is not None
    known = studies.public_of(public.start, public.public, public.anchors)
    result = studies.measure_memorisation(inputs.read(), heads, settings, known, against)
    page = None if output.out is None else studies.write_memorisation(result, output.out)
    output.show(result, memorisation_table(result))
    if page is not None:
        say(f"The page is in {page}")
    return 1 if result.refuted else 0
