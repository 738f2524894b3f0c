"""`relinkage check`: the gate of a release."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from relinkage.cli.inputs import Existing
from relinkage.cli.options import command
from relinkage.cli.outputs import Printed, say_result
from relinkage.errors import InputError
from relinkage.files import check_file, whole_file, write_json
from relinkage.options import Option, Settings
from relinkage.records import plain

if TYPE_CHECKING:
    from relinkage.policies import Context, Policy


class Checked(Settings, frozen=True):
    """What is held against what.

    Attributes:
        run: Folder that `relinkage audit` or `relinkage attack` wrote.
        policy: A policy that comes along (publisher, hospital, research), or a TOML file.
        context: TOML file with the context of the release: recipient, controls, owner, expiry, …
        against: Run of a fixed reference, which no figure may exceed by more than the margin.
        margin: By how much, as a share of each limit of the policy.
    """

    run: Annotated[Path, Option(argument=True, metavar="RUN", exists=True)]
    policy: Annotated[str, Option(metavar="NAME|FILE")]
    context: Existing = None
    against: Existing = None
    margin: Annotated[Annotated[float, Meta(gt=0, le=10)] | None, Option(default="0.2")] = None

    def check(self) -> None:
        """Check that a margin has a reference.

        Raises:
            InputError: it has none.
        """
        if self.margin is not None and self.against is None:
            raise InputError("--margin goes with a reference; name its run with --against.")


class CheckOutput(Printed, frozen=True):
    """Where verdicts go.

    Attributes:
        out: JSON file to write.
        junit: JUnit XML file to write, for whatever shows test results.
        github: Print an annotation of a GitHub workflow for each rule that is not passed; done by itself
            where GITHUB_ACTIONS is set.
    """

    out: Annotated[Path | None, Option(metavar="FILE")] = None
    junit: Annotated[Path | None, Option(metavar="FILE")] = None
    github: bool = False


@command("check", checked=Checked, output=CheckOutput)
def check(checked: Checked, output: CheckOutput) -> int:
    """Hold a run against a policy: exit status 1 where a rule is not passed or cannot be answered.

    Figures are judged by their one-sided 95 % upper limits, of several attackers by the largest.
    """
    for file in (output.out, output.junit):
        if file is not None:
            check_file(file)

    policy, context = check_files(checked)

    from relinkage import studies
    from relinkage.pages import check_table
    from relinkage.policies.junit import annotations, junit
    from relinkage.studies.gating import MARGIN

    result = studies.check(
        checked.run, policy, context=context, against=checked.against, margin=checked.margin or MARGIN
    )
    if output.out is not None:
        write_json(output.out, plain(result))
    if output.junit is not None:
        with whole_file(output.junit) as temporary:
            temporary.write_text(junit(result), encoding="utf-8")
    output.show(result, check_table(result))
    if output.github or os.environ.get("GITHUB_ACTIONS"):
        for line in annotations(result):
            say_result(line, apart=output.json)
    return 0 if result.passed else 1


def check_files(checked: Checked, **_: Settings) -> "tuple[Policy, Context | None]":
    """Return the policy and the context, before a run is read.

    Raises:
        InputError: one of them is not valid; all of its mistakes are told.
    """
    from relinkage.policies.context import read_context
    from relinkage.policies.reading import read_policy

    policy = read_policy(checked.policy)
    return policy, None if checked.context is None else read_context(checked.context)
