"""`relinkage schema`: the JSON Schema of every kind of file that relinkage writes."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import click

from relinkage.cli.options import command
from relinkage.errors import InputError
from relinkage.files import write_json
from relinkage.options import Option, Settings
from relinkage.records import Record, json_schema, json_text

KINDS = {
    "audit": ("relinkage.linkage.result:AuditResult", "audit.json of audit, attack and demo"),
    "comparison": ("relinkage.linkage.comparison_result:ComparisonResult", "comparison.json of compare"),
    "check": ("relinkage.policies.result:CheckResult", "what check --out and --json give"),
    "plan": ("relinkage.plans.result:RunResult", "plan.json of run"),
    "stage": ("relinkage.plans.result:StageMark", "NAME.stage.json of run, beside what a stage made"),
    "utility": ("relinkage.usefulness.result:UtilityResult", "utility.json of utility"),
    "defences": ("relinkage.defences.result:DefencesResult", "defences.json of defend"),
    "sweep": ("relinkage.alignment.sweep_result:SweepResult", "sweep.json of align --sweep"),
    "retrieval": ("relinkage.retrieval.result:RetrievalResult", "retrieval.json of retrieve"),
    "map": ("relinkage.retrieval.map_result:MapResult", "map.json of map"),
    "embeddings": ("relinkage.embeddings.manifest:Manifest", "manifest.json of embed"),
    "heads": (
        "relinkage.encoders.trained.manifest:HeadsManifest",
        "manifest.json of align, harden, heads",
    ),
    "cohort": ("relinkage.cohorts.readers.summary:CohortSummary", "what cohort --json prints"),
    "privacy": ("relinkage.studies.checking:PrivacyCheck", "what privacy --json prints"),
    "memorisation": (
        "relinkage.privacy.memorisation_result:MemorisationResult",
        "memorisation.json of memorisation",
    ),
    "ledger": ("relinkage.privacy.ledger:Ledger", "ledger.json of harden, beside the embeddings"),
    "export": ("relinkage.studies.exporting:Export", "relinkage-export.json of export"),
    "models": ("relinkage.encoders.listing:ModelList", "what models --json prints"),
    "offline-plan": (
        "relinkage.encoders.offline_plan:OfflinePlan",
        "what models --offline-plan prints with --json",
    ),
}
"""By the names of the schemas: the module and the name of each record, and where it is met."""


class SchemaChoice(Settings, frozen=True):
    """Which schema is wanted, and where it goes.

    Attributes:
        name: A kind of file, such as audit.
        out: Folder to write NAME.schema.json to, or the schemas of all kinds.
    """

    name: Annotated[str | None, Option(argument=True)] = None
    out: Annotated[Path | None, Option(metavar="FOLDER")] = None

    def check(self) -> None:
        """Check that there is such a kind.

        Raises:
            InputError: there is none.
        """
        if self.name is not None and self.name not in KINDS:
            raise InputError(f"NAME {self.name[:60]} is not a kind of file; give {' or '.join(KINDS)}.")


@command("schema", choice=SchemaChoice)
def schema(choice: SchemaChoice) -> None:
    """Print the JSON Schema of a kind of file; without NAME, list the kinds."""
    if choice.out is not None:
        for name in [choice.name] if choice.name else KINDS:
            write_json(choice.out / f"{name}.schema.json", json_schema(record_of(name)))
    elif choice.name is not None:
        click.echo(json_text(json_schema(record_of(choice.name))))
    else:
        width = max(map(len, KINDS))
        click.echo("\n".join(f"{name:{width}}  {met}" for name, (_, met) in KINDS.items()))


def record_of(name: str) -> type[Record]:
    """Return the record of a kind of file."""
    module, _, record = KINDS[name][0].partition(":")
    found: type[Record] = getattr(import_module(module), record)
    return found
