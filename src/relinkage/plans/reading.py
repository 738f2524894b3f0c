"""Plans from TOML: the whole file is checked, and all mistakes are told, before anything runs.

    name = "our model"

    [stage.embed]
    command = "embed"
    cohort = "cohort.parquet"
    model = "clip:/models/ours"

    [stage.attack]
    command = "attack"
    embeddings = "stage:embed"
    attackers = "all"

An option has the name that the command line has, with underscores. Paths are relative to the plan's folder;
`stage:NAME` is what a stage above has made.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from relinkage.errors import InputError, SeveralFaultsError
from relinkage.options import Field, Settings, fields_of
from relinkage.plans.plan import Plan, Stage, Verb
from relinkage.plans.result import Scenario
from relinkage.studies.places import STAGES
from relinkage.toml_files import Place, TomlFile, near

FROM_STAGE = "stage:"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


class PlanHead(Settings, frozen=True):
    """What a plan says once.

    Attributes:
        name: What the plan calls itself.
    """

    name: Annotated[str, Meta(min_length=1, max_length=80)]


@dataclass
class _Reading:
    """A plan while it is read.

    Attributes:
        file: its file.
        folder: what its paths are relative to.
        out: where its stages go.
        verbs: the commands that stages can be.
        given: options that come from the command line, for stages that take them.
        done: the stages that stand above.
    """

    file: TomlFile
    folder: Path
    out: Path
    verbs: Mapping[str, Verb]
    given: Mapping[str, Any]
    done: dict[str, Path] = field(default_factory=dict)


def read_plan(
    file: TomlFile, folder: Path, out: Path, verbs: Mapping[str, Verb], given: Mapping[str, Any] | None = None
) -> Plan:
    """Return the plan that a TOML file holds.

    Args:
        file: the file.
        folder: what its paths are relative to.
        out: the folder that everything goes to.
        verbs: the commands that stages can be, by name.
        given: options that stages with `given = true` take besides their own.

    Raises:
        InputError: it is not valid; all mistakes are told.
    """
    reading = _Reading(file, folder, out, verbs, given or {})
    head = file.settings(PlanHead, file.content, (), also=("stage", "scenario"))
    scenario = None
    if "scenario" in file.content:
        scenario = file.settings(Scenario, file.content["scenario"], ("scenario",))
    tables = file.content.get("stage")
    stages: list[Stage] = []
    if not isinstance(tables, Mapping) or not tables:
        file.fault(("stage",), "the plan has no stages; write each as a table under [stage.NAME].")
        tables = {}
    for name, table in tables.items():
        stage = _stage(reading, name, table)
        reading.done[name] = out / STAGES / name if stage is None else stage.out
        stages += [] if stage is None else [stage]
    takes = any(isinstance(table, Mapping) and table.get("given") is True for table in tables.values())
    if not takes and any(value is not None for value in reading.given.values()):
        names = ", ".join(key for key, value in reading.given.items() if value is not None)
        file.fault(
            ("stage",), f"{names} is given and no stage takes it; write given = true in one that does."
        )
    for name in () if scenario is None else scenario.headline:
        if name not in tables:
            file.fault(("scenario", "headline"), f"headline {name} is not a stage; {near(name, tables)}")
    file.check()
    assert head is not None
    return Plan(head.name, file.called, tuple(stages), out, scenario)


def _stage(reading: _Reading, name: str, table: Any) -> Stage | None:
    file, place = reading.file, ("stage", name)
    if not _NAME.fullmatch(name):
        file.fault(place, f"{name[:60]} is not a valid name of a stage; give letters, digits, - and _.")
        return None
    if not isinstance(table, Mapping):
        file.fault(place, f"{name} is not a table; write it under [stage.{name}].")
        return None
    command = table.get("command")
    if not isinstance(command, str) or command not in reading.verbs:
        missing = (
            "command is missing" if command is None else f"{str(command)[:60]} is not a command of a plan"
        )
        file.fault((*place, "command"), f"{missing}; {near(str(command or ''), reading.verbs)}")
        return None
    verb = reading.verbs[command]
    known = {field.name: field for _, field in verb.fields()}
    file.unknown(table, (*known, "command", "given"), place)
    if not isinstance(table.get("given", False), bool):
        file.fault((*place, "given"), "given is not a valid choice; give true or false.")
    told = {key: value for key, value in table.items() if key in known}
    if table.get("given") is True:
        taken = {key: value for key, value in reading.given.items() if key in known and value is not None}
        told |= {key: value for key, value in taken.items() if key not in told}
    uses: list[str] = []
    inputs: list[Path] = []
    values = {}
    for key, value in told.items():
        try:
            values[key] = _resolved(reading, known[key], value, uses, inputs)
        except InputError as error:
            file.fault((*place, key), str(error))
    out = reading.out / STAGES / f"{name}{verb.suffix}"
    unknown = [key for key in table if key not in known]
    meant = {name for key in unknown for name in get_close_matches(key, known, 1)}
    settings = _settings(reading, verb, values, (set(told) - set(values)) | meant, place, out)
    if settings is None:
        return None
    if verb.check is not None:
        try:
            verb.check(**settings)
        except SeveralFaultsError as error:
            for fault in error.faults:
                file.fault(place, fault)
        except InputError as error:
            file.fault(place, str(error))
    shown = {key: _shown(value) for key, value in told.items()}
    return Stage(name, verb, settings, shown, tuple(dict.fromkeys(uses)), tuple(dict.fromkeys(inputs)), out)


def _settings(
    reading: _Reading, verb: Verb, values: dict[str, Any], wrong: set[str], place: Place, out: Path
) -> dict[str, Settings] | None:
    """Return the records of a stage; None where one is not valid, which is taken note of."""
    records: dict[str, Settings] = {}
    for where, kind in verb.records.items():
        names = kind.__struct_fields__
        own = {key: value for key, value in values.items() if key in names}
        if "out" in names:
            own["out"] = out
        if wrong & set(names):  # what goes together cannot be told where a value is wrong
            for option in fields_of(kind):
                if option.default is msgspec.NODEFAULT and option.name not in {*own, *wrong}:
                    reading.file.fault(place, f"{option.name} is missing; give {option.wanted}.")
            continue
        record = reading.file.settings(kind, own, place)
        if record is not None:
            records[where] = record
    return records if len(records) == len(verb.records) else None


def _resolved(reading: _Reading, option: Field, value: Any, uses: list[str], inputs: list[Path]) -> Any:
    """Return a value with its paths resolved; note what it reads.

    Raises:
        InputError: it names a stage that does not stand above, or a file that does not exist.
    """
    if isinstance(value, list | tuple):
        return [_resolved(reading, option, part, uses, inputs) for part in value]
    if not isinstance(value, str | Path):
        return value
    text = str(value)
    if text.startswith(FROM_STAGE):
        stage, _, inside = text.removeprefix(FROM_STAGE).partition("/")
        if stage not in reading.done:
            raise InputError(
                f"{option.name} {text[:60]} is not a stage that stands above; "
                f"{near(stage, reading.done) if reading.done else 'it is the first.'}"
            )
        uses.append(stage)
        return str(reading.done[stage] / inside) if inside else str(reading.done[stage])
    return _found(reading, option, value, inputs)


def _found(reading: _Reading, option: Field, value: str | Path, inputs: list[Path]) -> str | Path:
    """Return a path, or a name that holds one (`clip:FOLDER`, `FILE:NAME`), relative to the plan's folder.

    Raises:
        InputError: the option takes what exists, and this does not.
    """
    text = str(value)
    is_path = _takes_paths(option)
    if is_path and not _is_input(option):
        return reading.folder / text
    kind, _, rest = text.partition(":")
    file = text.rpartition(":")[0]
    may_be = is_path or option.option.metavar.endswith("FILE")
    for before, name, after in (
        ("", text if may_be else "", ""),
        (f"{kind}:", rest if len(kind) > 1 else "", ""),
        ("", file if is_path else "", text[len(file) :]),
    ):
        if name and (path := reading.folder / name).exists():
            inputs.append(path)
            return f"{before}{path}{after}"
    if is_path:
        raise InputError(f"{option.name} {text} does not exist; name a file or folder that does.")
    return value


def _takes_paths(option: Field) -> bool:
    return "Path" in str(option.type)


def _is_input(option: Field) -> bool:
    """Return whether an option names what is there, and not where something goes."""
    return option.option.exists or option.name in ("cohort", "path")


def _shown(value: Any) -> Any:
    """Return a value as JSON holds it; of a path from the command line its name."""
    if isinstance(value, list | tuple):
        return [_shown(part) for part in value]
    return value.name if isinstance(value, Path) else msgspec.to_builtins(value)
