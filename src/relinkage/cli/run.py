"""`relinkage run`: a whole analysis from one file."""

from collections.abc import Mapping
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click
import msgspec

from relinkage.cli.inputs import SplitSubject
from relinkage.cli.options import RecordCommand, command
from relinkage.cli.outputs import Printed, quietly
from relinkage.errors import InputError
from relinkage.files import check_folder
from relinkage.options import Option, Settings
from relinkage.plans.plan import Plan, Verb
from relinkage.plans.reading import read_plan
from relinkage.plans.result import PLAN, SCHEMA
from relinkage.progress import say
from relinkage.toml_files import TomlFile, near

if TYPE_CHECKING:
    from relinkage.plans.result import RunResult

SCENARIOS = ("share-images", "publish-model", "share-embeddings", "targeted")
"""The plans that come along."""
VERBS = {
    "phantom": "", "cohort": ".parquet", "embed": "", "align": "", "harden": "", "defend": "", "audit": "",
    "attack": "", "compare": "", "utility": "", "map": "", "page": ".html", "card": ".md", "check": ".json",
}  # fmt: skip
"""The commands that a stage can be, and what the output of each ends in."""


class PlanFile(Settings, frozen=True):
    """Which plan.

    Attributes:
        plan: A plan's TOML file, or a scenario: share-images, publish-model, share-embeddings, targeted.
    """

    plan: Annotated[str, Option(argument=True, metavar="PLAN")]


class Given(SplitSubject, frozen=True):
    """What the stages of a plan take that ask for it (`given = true`)."""

    def check(self) -> None:
        """Check nothing: a plan may need none of it, and its stages check what they get."""


class RunFolder(Printed, frozen=True):
    """Where everything goes.

    Attributes:
        out: Folder to write: plan.json, and stages/ with what each stage makes.
        dry_run: Only check the plan, and show its stages with their sizes, time and memory.
    """

    out: Annotated[Path, Option(metavar="RUN")]
    dry_run: bool = False


@command("run", plan=PlanFile, given=Given, output=RunFolder)
def run(plan: PlanFile, given: Given, output: RunFolder) -> int:
    """Run a PLAN, a file or a scenario: it is checked whole first, and no stage is run twice.

    Scenarios: share-images, publish-model, share-embeddings, targeted. A killed run goes on where it was.
    Exit status 1 where a stage is a check that does not pass.
    """
    check_folder(output.out, PLAN, SCHEMA)
    read = _plan(plan.plan, output.out, _given(given))
    if output.dry_run:
        _show_stages(read, output)
        return 0

    from relinkage.plans.finding import conclude
    from relinkage.plans.running import run_plan

    with quietly():
        result, ran = run_plan(read, conclude)
    say("Nothing was left to do" if not ran else f"{ran} of {len(result.stages)} stages ran")
    output.show(result, _in_words(result))
    say(f"Everything is in {output.out}")
    return max(stage.status for stage in result.stages)


def _plan(name: str, out: Path, given: Mapping[str, Any]) -> Plan:
    verbs = {verb: _verb(verb, suffix) for verb, suffix in VERBS.items()}
    if name in SCENARIOS:
        text = (files("relinkage.plans") / "published" / f"{name}.toml").read_text(encoding="utf-8")
        return read_plan(TomlFile(text, name), Path(), out, verbs, given)
    path = Path(name)
    if not path.suffix and not path.exists():
        scenario = near(name, SCENARIOS).rstrip(".?")
        raise InputError(f"PLAN {name[:60]} is not a scenario; {scenario}, or name a TOML file.")
    return read_plan(TomlFile.read(path), path.parent, out, verbs, given)


def _verb(name: str, suffix: str) -> Verb:
    module = import_module(f"relinkage.cli.{name}")
    for value in vars(module).values():
        if isinstance(value, RecordCommand) and value.name == name:
            return Verb(name, value.records, value.function, suffix, getattr(module, "check_files", None))
    raise AssertionError(f"no command {name}")


def _given(given: Given) -> dict[str, Any]:
    """Return what was given, paths as they are from anywhere."""
    values = {
        name: value.absolute() if isinstance(value, Path) else value
        for name, value in msgspec.structs.asdict(given).items()
    }
    if values["train_share"] == Given().train_share:
        del values["train_share"]
    return values


def _show_stages(plan: Plan, output: RunFolder) -> None:
    from relinkage.pages.terminal import table_lines
    from relinkage.plans.estimating import estimate, in_words
    from relinkage.plans.fingerprints import DIGESTS, Digests
    from relinkage.plans.running import done_before

    done = done_before(plan, Digests(plan.out / DIGESTS))
    found = estimate(plan)
    if output.json:
        output.show([{"stage": name, "done": done[name], **vars(told)} for name, told in found.items()], "")
        return
    rows = in_words(found, done)
    heads = ("Stage", "", "Reads", "Time", "Memory")
    columns = [(head, "<", [row[place] for row in rows]) for place, head in enumerate(heads)]
    click.echo(table_lines(columns))


def _in_words(result: "RunResult") -> str:
    if result.finding is not None:
        return f"{result.finding.sentence}\n{result.finding.unsaid}"
    failed = [stage.name for stage in result.stages if stage.status]
    text = f"{result.name}: all {len(result.stages)} stages are done"
    return f"{text}; not passed: {', '.join(failed)}." if failed else f"{text}."
