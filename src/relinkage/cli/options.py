"""What several commands share: kinds of options, and how a result is printed."""

import json
from pathlib import Path
from typing import Any

import click

from relinkage.errors import InputError

FILE = click.Path(path_type=Path)
SEED = click.IntRange(0, 2**32 - 1)
"""What numpy, torch and scikit-learn all take as a seed."""
HEADS = click.option("--heads", type=FILE, help="Trained heads for EMB.  [default: the model's own]")
REPLICATES = click.option(
    "--replicates", type=int, default=2000, show_default=True, help="Bootstrap replicates."
)
ENGINES = ("auto", "cpu", "native", "gpu", "ray")
"""The names that `relinkage.linkage.engines.choose` knows, written out so that --help does not load them."""
ENGINE_HELP = (
    f"What counts, {', '.join(ENGINES)} or ray://HOST:PORT; the counts are the same. auto: the fastest "
    "there is on this machine. ray: all cores by Ray."
)


class EngineName(click.ParamType[Any]):
    """The name of an engine, or the address of a Ray cluster."""

    name = "engine"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Give the name, or fail with a sentence that lists them."""
        if value not in ENGINES and not value.startswith("ray://"):
            self.fail(f"{value!r} is no engine; give {', '.join(ENGINES)} or ray://HOST:PORT", param, ctx)
        return value


ENGINE = EngineName()


class Numbers(click.ParamType[Any]):
    """A comma list of whole numbers, `full` among them where allowed."""

    name = "list"

    def __init__(self, full: bool = False) -> None:
        self.full = full

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Give a tuple of numbers, or fail with a sentence that says what is wanted."""
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in str(value).split(",")]
        wrong = [part for part in parts if not part.isdecimal() and not (self.full and part == "full")]
        if wrong or not parts:
            kind = "whole numbers or full, such as 100,full" if self.full else "whole numbers, such as 1,10"
            self.fail(f"{value!r} is not a comma list of {kind}", param, ctx)
        return tuple(dict.fromkeys(part if part == "full" else int(part) for part in parts))


class Rates(click.ParamType[Any]):
    """A comma list of rates."""

    name = "list"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Give a tuple of rates, or fail with a sentence that says what is wanted."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(dict.fromkeys(float(part) for part in str(value).split(",")))
        except ValueError:
            self.fail(f"{value!r} is not a comma list of rates, such as 0.01,0.1", param, ctx)


class Parts(click.ParamType[Any]):
    """A comma list of names with numbers, such as `bce=1,clip=0.5`."""

    name = "list"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Give a dictionary of numbers by name, or fail with a sentence that says what is wanted."""
        if isinstance(value, dict):
            return value
        try:
            parts = [part.split("=") for part in str(value).split(",")]
            return {name.strip(): float(number) for name, number in parts}
        except ValueError:
            self.fail(f"{value!r} is not a comma list of parts, such as bce=1,supcon=1,clip=1", param, ctx)


def parts_of_objective(given: dict[str, float]) -> Any:
    """Give the weights of the multi-task objective; what is not named is left out.

    Raises:
        InputError: a part is not known, or its weight is out of range.
    """
    from relinkage.alignment.settings import Weights

    parts = {"bce": 0.0, "supcon": 0.0, "clip": 0.0} | given
    unknown = sorted(set(parts) - {"bce", "supcon", "clip"})
    if unknown:
        raise InputError(f"--weights names {unknown[0]!r}; give weights of bce, supcon and clip.")
    return Weights(**parts)


def print_result(value: Any, as_json: bool, table: str, report_file: Path | None) -> None:
    """Print the result alone on stdout, as JSON or as a table; where it lies goes to stderr."""
    from relinkage.progress import say

    click.echo(json.dumps(value, indent=1, allow_nan=False) if as_json else table)
    if report_file is not None:
        say(f"The report is in {report_file}")
