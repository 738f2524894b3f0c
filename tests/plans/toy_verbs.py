"""Commands small enough to see what runs: one writes a number, one adds up what others wrote."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from relinkage.errors import InputError
from relinkage.files import whole_folder, write_json
from relinkage.options import Option, Settings
from relinkage.plans import Verb, read_plan
from relinkage.toml_files import TomlFile

RAN = []
"""The outputs that were made, in their order."""
COINS = []
"""What a number depends on besides its settings."""
PLAN = """name = "toy"

[stage.one]
command = "number"
value = 1

[stage.two]
command = "number"
value = 2
source = "source.txt"

[stage.sum]
command = "sum"
parts = ["stage:one", "stage:two"]
"""


class Number(Settings, frozen=True):
    """A number.

    Attributes:
        value: The number.
        source: A file to read.
        out: Folder to write.
    """

    value: Annotated[int, Meta(ge=0, le=9)]
    source: Annotated[Path | None, Option(exists=True)] = None
    out: Path


class Parts(Settings, frozen=True):
    """What is added up.

    Attributes:
        parts: Folders of numbers.
        limit: A sum above it does not pass.
        out: File to write.
    """

    parts: Annotated[tuple[Path, ...], Option(repeat=True, exists=True)]
    limit: int = 100
    out: Path


def number(settings):
    RAN.append(settings.out.name)
    if settings.value == 9:
        raise InputError("--value 9 is too much; give less.")
    text = settings.source.read_text() + "".join(COINS) if settings.source else ""
    with whole_folder(settings.out, "number.json", "toy/1") as folder:
        write_json(folder / "number.json", {"schema": "toy/1", "value": settings.value, "text": text})


def add(settings):
    import json

    RAN.append(settings.out.name)
    total = sum(json.loads((part / "number.json").read_text())["value"] for part in settings.parts)
    write_json(settings.out, {"sum": total})
    return int(total > settings.limit)


VERBS = {
    "number": Verb("number", {"settings": Number}, number),
    "sum": Verb("sum", {"settings": Parts}, add, ".json"),
}


def plan(folder, text=PLAN, out="run", given=None):
    return read_plan(TomlFile(text, "toy.toml"), folder, folder / out, VERBS, given)
