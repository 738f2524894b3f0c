"""What to copy where so that a model works on a machine without a network, and whether it is all there."""

import shlex
from pathlib import Path
from typing import Literal

from relinkage.encoders.catalogue import CATALOGUE, CatalogueEntry, ModelFile, Repository, find_entry
from relinkage.encoders.hub import file_sha256
from relinkage.encoders.readiness import PACKAGES
from relinkage.errors import InputError
from relinkage.progress import progress
from relinkage.records import Record

ENVIRONMENT = {"HF_HUB_OFFLINE": "1"}


class Finding(Record, frozen=True):
    """What is wrong with a file of a model's folder.

    Attributes:
        file: Its path in the folder.
        problem: It is missing, or another file: its sha256 is not what the hub states.
    """

    file: str
    problem: Literal["missing", "another file"]


class FileToCopy(Record, frozen=True):
    """A file of a repository.

    Attributes:
        name: Its name there.
        sha256: What it hashes to, in hexadecimal; null where that is not known.
    """

    name: str
    sha256: str | None


class Copy(Record, frozen=True):
    """What is copied of a repository.

    Attributes:
        repository: Its id, `owner/name`.
        url: Where it is, if not on the hub.
        revision: The pinned commit or tag; null where none is pinned.
        files: The files.
        to: The folder that they go into.
        fetch: The command that fetches them; null where they are not on the hub.
    """

    repository: str
    url: str | None
    revision: str | None
    files: tuple[FileToCopy, ...]
    to: str
    fetch: str | None


class Install(Record, frozen=True):
    """What is installed.

    Attributes:
        extra: For pip.
        packages: What it brings, by the names that Python imports.
    """

    extra: str
    packages: tuple[str, ...]


class OfflinePlan(Record, frozen=True):
    """What to do so that a model works on a machine without a network.

    Attributes:
        id: The model's short name.
        licence: Of the weights.
        gated: Whether the hub asks for terms to be accepted before it gives the files.
        note: What else a user must know; empty where there is nothing.
        copy: What is copied.
        install: What is installed.
        environment: Variables that are set there.
        check: The command that checks the folder.
        run: A command that uses the model.
        findings: What is wrong with the folder; null where none was looked at.
    """

    schema: Literal["relinkage.offline-plan/1"] = "relinkage.offline-plan/1"
    id: str
    licence: str
    gated: bool
    note: str
    copy: tuple[Copy, ...]
    install: Install
    environment: dict[str, str]
    check: str
    run: str
    findings: tuple[Finding, ...] | None = None


def plan_entry(name: str) -> CatalogueEntry:
    """Give the entry of the catalogue that a plan is for.

    Raises:
        InputError: nothing in the catalogue goes by that name.
    """
    if (entry := find_entry(name)) is None:
        known = ", ".join(entry.id for entry in CATALOGUE)
        raise InputError(f"{name} is not in the catalogue; give one of {known}.")
    return entry


def make_plan(entry: CatalogueEntry, folder: Path) -> OfflinePlan:
    """Return what to fetch on a machine with a network, where to put it, and what to run then.

    Args:
        entry: the model.
        folder: where the model's files are to lie on the machine without a network.
    """
    return OfflinePlan(
        id=entry.id,
        licence=entry.licence,
        gated=entry.gated,
        note=entry.note,
        copy=tuple(
            Copy(
                repository=repository.id,
                url=repository.url or None,
                revision=repository.revision,
                files=tuple(FileToCopy(name=file.name, sha256=file.sha256) for file in repository.files),
                to=str(folder / repository.folder),
                fetch=None if repository.url else _fetch(repository, folder),
            )
            for repository in entry.repositories
        ),
        install=Install(extra=f"relinkage[{entry.extra}]", packages=tuple(PACKAGES.get(entry.extra, ()))),
        environment=ENVIRONMENT,
        check=f"relinkage models --offline-plan {entry.id} --folder {shlex.quote(str(folder))}",
        run=f"relinkage embed COHORT --model {shlex.quote(f'{entry.family}:{folder}')} --out EMB",
    )


def plan_text(plan: OfflinePlan) -> str:
    """Return a plan as lines to follow, without a final line break."""
    lines = [f"{plan.id} on a machine without a network (licence: {plan.licence})"]
    if plan.note:
        lines.append(plan.note)
    lines += ["", "1. On a machine with a network:"]
    lines.append(f"   pip download '{plan.install.extra}' --dest wheels")
    if plan.gated:
        lines.append(
            "   (the hub gives the files only to those who accepted its terms: run `hf auth login` first)"
        )
    for part in plan.copy:
        if part.fetch:
            lines.append(f"   {part.fetch}")
            if part.revision is None:
                lines.append("   (no revision is pinned: write down the commit that you get)")
        else:
            lines.append(f"   {', '.join(file.name for file in part.files)} from {part.url}")
    lines += ["", "2. Copy to the other machine:", "   wheels"]
    for part in plan.copy:
        lines.append(f"   {part.repository}" + (f" at {part.revision}" if part.revision else ""))
        lines += [
            f"     {file.name} → {part.to}/" + (f"  sha256 {file.sha256}" if file.sha256 else "")
            for file in part.files
        ]
    lines += ["", "3. There:"]
    lines.append(f"   pip install --no-index --find-links wheels '{plan.install.extra}'")
    lines += [f"   export {name}={value}" for name, value in plan.environment.items()]
    return "\n".join([*lines, f"   {plan.check}", f"   {plan.run}"])


def check_folder(entry: CatalogueEntry, folder: Path) -> tuple[Finding, ...]:
    """Look for what is missing of a model's folder, or is another file than the hub's; give it in order.

    Weights may lie there as safetensors in place of the published file of torch.

    Raises:
        InputError: `folder` is not a folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; make it and copy the model's files there.")
    found = []
    files = [(repository, file) for repository in entry.repositories for file in repository.files]
    with progress(len(files), "files", "files") as bar:
        for repository, file in files:
            problem = _problem(folder / repository.folder, file)
            if problem:
                name = (Path(repository.folder) / file.name).as_posix()
                found.append(Finding(file=name, problem=problem))
            bar.update(1)
    return tuple(found)


def _problem(folder: Path, file: ModelFile) -> Literal["missing", "another file"] | None:
    path = folder / file.name
    if not path.is_file():
        instead = path.suffix == ".bin" and any(folder.glob("*.safetensors"))
        return None if instead else "missing"
    return "another file" if file.sha256 and file_sha256(path) != file.sha256 else None


def _fetch(repository: Repository, folder: Path) -> str:
    words = ["hf", "download", repository.id, *(file.name for file in repository.files)]
    if repository.revision:
        words += ["--revision", repository.revision]
    return shlex.join([*words, "--local-dir", str(folder / repository.folder)])
