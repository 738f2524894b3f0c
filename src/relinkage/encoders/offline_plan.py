"""What to copy where so that a model works on a machine without a network, and whether it is all there."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relinkage.encoders.catalogue import CATALOGUE, CatalogueEntry, ModelFile, Repository, find_entry
from relinkage.encoders.hub import file_sha256
from relinkage.encoders.readiness import PACKAGES
from relinkage.errors import InputError
from relinkage.progress import progress

ENVIRONMENT = {"HF_HUB_OFFLINE": "1"}


@dataclass(frozen=True)
class Finding:
    """What is wrong with a file of a model's folder.

    Attributes:
        file: its path in the folder.
        problem: `missing` or `another file` (its sha256 is not what the hub states).
    """

    file: str
    problem: str


def plan_entry(name: str) -> CatalogueEntry:
    """Give the entry of the catalogue that a plan is for.

    Raises:
        InputError: nothing in the catalogue goes by that name.
    """
    if (entry := find_entry(name)) is None:
        known = ", ".join(entry.id for entry in CATALOGUE)
        raise InputError(f"{name} is not in the catalogue; give one of {known}.")
    return entry


def offline_plan(entry: CatalogueEntry, folder: Path) -> dict[str, Any]:
    """Say what to fetch on a machine with a network, where to put it, and what to run then.

    Args:
        entry: the model.
        folder: where the model's files are to lie on the machine without a network.
    """
    return {
        "schema": "relinkage.offline-plan/1",
        "id": entry.id,
        "licence": entry.licence,
        "gated": entry.gated,
        "note": entry.note,
        "copy": [
            {
                "repository": repository.id,
                "url": repository.url or None,
                "revision": repository.revision,
                "files": [{"name": file.name, "sha256": file.sha256} for file in repository.files],
                "to": str(folder / repository.folder),
                "fetch": None if repository.url else _fetch(repository, folder),
            }
            for repository in entry.repositories
        ],
        "install": {"extra": f"relinkage[{entry.extra}]", "packages": list(PACKAGES.get(entry.extra, ()))},
        "environment": ENVIRONMENT,
        "check": f"relinkage models --offline-plan {entry.id} --folder {shlex.quote(str(folder))}",
        "run": f"relinkage embed COHORT --model {shlex.quote(f'{entry.family}:{folder}')} --out EMB",
    }


def plan_text(plan: dict[str, Any]) -> str:
    """Give a plan as lines to follow, without a final line break."""
    lines = [f"{plan['id']} on a machine without a network (licence: {plan['licence']})"]
    if plan["note"]:
        lines.append(plan["note"])
    lines += ["", "1. On a machine with a network:"]
    lines.append(f"   pip download '{plan['install']['extra']}' --dest wheels")
    if plan["gated"]:
        lines.append(
            "   (the hub gives the files only to those who accepted its terms: run `hf auth login` first)"
        )
    for part in plan["copy"]:
        if part["fetch"]:
            lines.append(f"   {part['fetch']}")
            if part["revision"] is None:
                lines.append("   (no revision is pinned: write down the commit that you get)")
        else:
            lines.append(f"   {', '.join(file['name'] for file in part['files'])} from {part['url']}")
    lines += ["", "2. Copy to the other machine:", "   wheels"]
    for part in plan["copy"]:
        lines.append(f"   {part['repository']}" + (f" at {part['revision']}" if part["revision"] else ""))
        lines += [
            f"     {file['name']} → {part['to']}/" + (f"  sha256 {file['sha256']}" if file["sha256"] else "")
            for file in part["files"]
        ]
    lines += ["", "3. There:"]
    lines.append(f"   pip install --no-index --find-links wheels '{plan['install']['extra']}'")
    lines += [f"   export {name}={value}" for name, value in plan["environment"].items()]
    return "\n".join([*lines, f"   {plan['check']}", f"   {plan['run']}"])


def check_folder(entry: CatalogueEntry, folder: Path) -> list[Finding]:
    """Look for what is missing of a model's folder, or is another file than the hub's; give it in order.

    Weights may lie there as safetensors in place of the published file of torch.

    Raises:
        InputError: `folder` is no folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; make it and copy the model's files there.")
    found = []
    files = [(repository, file) for repository in entry.repositories for file in repository.files]
    with progress(len(files), "files", "files") as bar:
        for repository, file in files:
            problem = _problem(folder / repository.folder, file)
            if problem:
                found.append(Finding((Path(repository.folder) / file.name).as_posix(), problem))
            bar.update(1)
    return found


def _problem(folder: Path, file: ModelFile) -> str:
    path = folder / file.name
    if not path.is_file():
        instead = path.suffix == ".bin" and any(folder.glob("*.safetensors"))
        return "" if instead else "missing"
    return "another file" if file.sha256 and file_sha256(path) != file.sha256 else ""


def _fetch(repository: Repository, folder: Path) -> str:
    words = ["hf", "download", repository.id, *(file.name for file in repository.files)]
    if repository.revision:
        words += ["--revision", repository.revision]
    return shlex.join([*words, "--local-dir", str(folder / repository.folder)])
