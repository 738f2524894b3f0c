"""The command that says which models there are, and what they need."""

import json
from pathlib import Path
from typing import Any

import click

from relinkage.cli.options import FILE


@click.command()
@click.option(
    "--offline-plan",
    "plan",
    metavar="ID",
    help="Say what to copy where so that this model works without a network.",
)
@click.option(
    "--folder", type=FILE, help="With --offline-plan: where the model is to lie; checked where it exists."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def models(plan: str | None, folder: Path | None, as_json: bool) -> int:
    """The models that relinkage knows: licence, input, what to install, and whether they are ready here.

    Exit 1 where --folder lacks a file or holds another one than was published.
    """
    from relinkage.encoders import offline_plan as planning
    from relinkage.errors import InputError
    from relinkage.progress import say

    if plan is None:
        if folder is not None:
            raise InputError("--folder says where one model lies; name it with --offline-plan.")
        _list(as_json)
        return 0
    entry = planning.plan_entry(plan)
    made = planning.offline_plan(entry, folder or Path("/models") / entry.id)
    findings = planning.check_folder(entry, folder) if folder is not None and folder.exists() else None
    if findings is not None:
        made["findings"] = [{"file": finding.file, "problem": finding.problem} for finding in findings]
    click.echo(json.dumps(made, indent=1) if as_json else planning.plan_text(made))
    if findings == []:
        say(f"{folder} holds every file of {entry.id}")
    for finding in findings or []:
        say(f"{folder}: {finding.file} is {finding.problem}")
    return 1 if findings else 0


def _list(as_json: bool) -> None:
    from relinkage.encoders.catalogue import CATALOGUE
    from relinkage.encoders.readiness import readiness

    rows: list[dict[str, Any]] = []
    for entry in CATALOGUE:
        here = readiness(entry)
        rows.append(
            {
                "id": entry.id,
                "names": list(entry.names),
                "family": entry.family,
                "revision": entry.revision,
                "licence": entry.licence,
                "gated": entry.gated,
                "input_size": entry.input_size,
                "token_limit": entry.token_limit,
                "image_head": entry.image_head,
                "text_head": entry.text_head,
                "install": f"relinkage[{entry.extra}]",
                "missing_packages": list(here.missing),
                "cached": here.cached,
                "ready": here.ready,
                "to_do": here.describe(entry),
                "note": entry.note,
            }
        )
    if as_json:
        click.echo(json.dumps({"schema": "relinkage.models/1", "models": rows}, indent=1))
        return
    columns = {
        "Id": [row["id"] for row in rows],
        "Licence": [row["licence"] + (", on request" if row["gated"] else "") for row in rows],
        "Pixels": [str(row["input_size"]) for row in rows],
        "Tokens": [str(row["token_limit"]) for row in rows],
        "Install": [row["install"] for row in rows],
        "Ready here": [row["to_do"] for row in rows],
    }
    widths = [max(map(len, [name, *cells])) for name, cells in columns.items()]
    for line in (columns, *zip(*columns.values(), strict=True)):
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())
    click.echo("\nAny other model: FAMILY:FOLDER or towers:IMAGE+TEXT (docs/models.md).")
