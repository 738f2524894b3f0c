"""The published models as a list: what each needs, and whether it is ready on this machine."""

from typing import Literal

from relinkage.encoders.catalogue import CATALOGUE, CatalogueEntry
from relinkage.encoders.readiness import readiness
from relinkage.records import Record


class ModelRow(Record, frozen=True):
    """A published model.

    Attributes:
        id: Its short name, which `--model` takes.
        names: What else `--model` takes for it.
        family: The loader, as in `FAMILY:FOLDER`.
        revision: The pinned commit or tag; null where none is pinned.
        licence: Of the weights.
        gated: Whether the hub asks for terms to be accepted before it gives the files.
        input_size: Side in pixels of the square that the image tower sees.
        token_limit: Tokens after which text is cut off.
        image_head: From features to the shared space, as `768 → 512`.
        text_head: Likewise.
        install: What must be installed.
        missing_packages: Packages of it that are not there.
        cached: Whether all files are in the Hugging Face cache, at the pinned revision.
        ready: Whether the model can be asked for by its name right away.
        to_do: What is still to do, in a few words.
        note: What else a user must know; empty where there is nothing.
    """

    id: str
    names: tuple[str, ...]
    family: str
    revision: str | None
    licence: str
    gated: bool
    input_size: int
    token_limit: int
    image_head: str
    text_head: str
    install: str
    missing_packages: tuple[str, ...]
    cached: bool
    ready: bool
    to_do: str
    note: str


class ModelList(Record, frozen=True):
    """The published models that relinkage knows.

    Attributes:
        models: Family by family, general models before medical ones.
    """

    schema: Literal["relinkage.models/1"] = "relinkage.models/1"
    models: tuple[ModelRow, ...]


def list_models() -> ModelList:
    """Return the published models; nothing is loaded, and no network is asked."""
    return ModelList(models=tuple(_row(entry) for entry in CATALOGUE))


def _row(entry: CatalogueEntry) -> ModelRow:
    here = readiness(entry)
    return ModelRow(
        id=entry.id,
        names=entry.names,
        family=entry.family,
        revision=entry.revision,
        licence=entry.licence,
        gated=entry.gated,
        input_size=entry.input_size,
        token_limit=entry.token_limit,
        image_head=entry.image_head,
        text_head=entry.text_head,
        install=f"relinkage[{entry.extra}]",
        missing_packages=here.missing,
        cached=here.cached,
        ready=here.ready,
        to_do=here.describe(entry),
        note=entry.note,
    )


def models_table(models: ModelList) -> str:
    """Return the list as lines of plain text."""
    rows = models.models
    columns = {
        "Id": [row.id for row in rows],
        "Licence": [row.licence + (", on request" if row.gated else "") for row in rows],
        "Pixels": [str(row.input_size) for row in rows],
        "Tokens": [str(row.token_limit) for row in rows],
        "Install": [row.install for row in rows],
        "Ready here": [row.to_do for row in rows],
    }
    widths = [max(map(len, [name, *cells])) for name, cells in columns.items()]
    lines = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (columns, *zip(*columns.values(), strict=True))
    ]
    return "\n".join([*lines, "", "Any other model: FAMILY:FOLDER or towers:IMAGE+TEXT (docs/models.md)."])
