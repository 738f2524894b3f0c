"""`relinkage models`: which models there are, and what they need."""

from pathlib import Path
from typing import Annotated

import msgspec

from relinkage.cli.options import command
from relinkage.cli.outputs import Printed
from relinkage.errors import InputError
from relinkage.options import Option, Settings


class ModelChoice(Settings, frozen=True):
    """The model that is asked about.

    Attributes:
        offline_plan: Say what to copy where so that this model works without a network.
        folder: With --offline-plan: where the model is to lie; checked where it exists.
    """

    offline_plan: Annotated[str | None, Option(metavar="ID")] = None
    folder: Path | None = None

    def check(self) -> None:
        """Check that a folder belongs to a model.

        Raises:
            InputError: no model is named.
        """
        if self.folder is not None and self.offline_plan is None:
            raise InputError("--folder says where one model lies; name it with --offline-plan.")


@command("models", choice=ModelChoice, output=Printed)
def models(choice: ModelChoice, output: Printed) -> int:
    """The models that relinkage knows: licence, input, what to install, and whether they are ready here.

    Exit 1 where --folder lacks a file or holds another one than was published.
    """
    from relinkage.encoders import listing
    from relinkage.encoders import offline_plan as planning
    from relinkage.progress import say

    if choice.offline_plan is None:
        known = listing.list_models()
        output.show(known, listing.models_table(known))
        return 0
    entry, folder = planning.plan_entry(choice.offline_plan), choice.folder
    plan = planning.make_plan(entry, folder or Path("/models") / entry.id)
    if folder is not None and folder.exists():
        plan = msgspec.structs.replace(plan, findings=planning.check_folder(entry, folder))
    output.show(plan, planning.plan_text(plan))
    if plan.findings == ():
        say(f"{folder} holds every file of {entry.id}")
    for finding in plan.findings or ():
        say(f"{folder}: {finding.file} is {finding.problem}")
    return 1 if plan.findings else 0
