"""A plan: stages in their order, each a command of relinkage with its settings."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relinkage.options import Field, Settings, fields_of
from relinkage.plans.result import Scenario


@dataclass(frozen=True)
class Verb:
    """A command that a stage can be.

    Attributes:
        name: what the command line calls it.
        records: by the function's parameters, the settings records whose fields are its options.
        function: what runs it; gives an exit status, or None where it is done.
        suffix: what its output ends in; nothing for a folder.
        check: reads the small files that the settings name, such as a policy, to tell what is wrong in them.
    """

    name: str
    records: Mapping[str, type[Settings]]
    function: Callable[..., int | None]
    suffix: str = ""
    check: Callable[..., object] | None = None

    def fields(self) -> Iterator[tuple[str, Field]]:
        """Yield the options that a plan can name, each with the place of its record."""
        for place, record in self.records.items():
            for field in fields_of(record):
                if field.name not in ("out", "json"):
                    yield place, field


@dataclass(frozen=True)
class Stage:
    """A stage of a plan.

    Attributes:
        name: what the plan calls it.
        verb: the command.
        settings: its records by the function's parameters, paths resolved.
        told: its options as the plan tells them; of paths from the command line the names.
        uses: the stages that it reads from.
        inputs: files and folders that it reads, which no stage makes.
        out: where its output goes.
    """

    name: str
    verb: Verb
    settings: Mapping[str, Settings]
    told: Mapping[str, Any]
    uses: tuple[str, ...]
    inputs: tuple[Path, ...]
    out: Path

    def option(self, name: str) -> Any:
        """Return the value of an option; None where the command has none of that name."""
        for record in self.settings.values():
            if name in record.__struct_fields__:
                return getattr(record, name)
        return None


@dataclass(frozen=True)
class Plan:
    """A whole analysis.

    Attributes:
        name: what the plan calls itself.
        called: what messages call its file.
        stages: in the order that they run.
        out: the folder that everything goes to.
        scenario: who holds what, and what is said of the result; None for a plan that is none.
    """

    name: str
    called: str
    stages: tuple[Stage, ...]
    out: Path
    scenario: Scenario | None = None
