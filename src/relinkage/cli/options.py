"""The command line out of settings records: every option is a field of one, and defined there alone."""

import textwrap
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import click
import msgspec

from relinkage.options import Field, Settings, fields_of


def command(name: str, **records: type[Settings]) -> Callable[[Callable[..., Any]], click.Command]:
    """Return a decorator that makes a function a command.

    Args:
        name: the command's name.
        records: by the names of the function's parameters, the settings records whose fields are its options.

    Returns:
        What turns the function into the command. The function is called with each record, checked.
    """

    def decorate(function: Callable[..., Any]) -> click.Command:
        return RecordCommand(name, function, records)

    return decorate


class RecordCommand(click.Command):
    """A command whose parameters are the fields of records; they are looked at when it is called.

    Attributes:
        function: what the command does, given its records.
        records: the records by the function's parameters.
    """

    def __init__(self, name: str, function: Callable[..., Any], records: dict[str, type[Settings]]) -> None:
        super().__init__(name, help=textwrap.dedent(function.__doc__ or ""))
        self.function, self.records = function, records

    @cached_property
    def _fields(self) -> dict[str, list[Field]]:
        fields = {place: list(fields_of(record)) for place, record in self.records.items()}
        flags = [field.flag for some in fields.values() for field in some]
        assert len(flags) == len(set(flags)), f"{self.name} has two options of one name"
        return fields

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the parameters of all records, and `--help`."""
        if not self.params:
            self.params = list(_parameters(field for some in self._fields.values() for field in some))
        return super().get_params(ctx)

    def invoke(self, ctx: click.Context) -> Any:
        """Make the records of what was given, and call the function with them."""
        made = {}
        for place, record in self.records.items():
            given = {field.name: ctx.params.get(_key(field)) for field in self._fields[place]}
            made[place] = record(
                **{name: value for name, value in given.items() if value is not None and value != ()}
            )
        return self.function(**made)


class _Value(click.ParamType[Any]):
    """What a field takes."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self.name = _metavar(field)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value that a text stands for; the field says what is wrong with it."""
        return self._field.parse(value) if isinstance(value, str) else value

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return what the help shows for a value."""
        return self.name


def _parameters(fields: Iterable[Field]) -> Iterable[click.Parameter]:
    for field in fields:
        required = field.default is msgspec.NODEFAULT
        if field.option.argument:
            metavar = f"{field.flag}..." if field.many else field.flag
            metavar = metavar if required else f"[{metavar}]"
            several = -1 if field.many else 1
            yield click.Argument(
                [_key(field)], type=_Value(field), required=required, nargs=several, metavar=metavar
            )
        elif field.type is bool:
            flag = f"{field.flag}/{field.flag.replace('--', '--no-', 1)}" if field.default else field.flag
            yield click.Option(
                [flag, _key(field)], is_flag=True, default=None, help=_help(field), show_default=False
            )
        else:
            yield click.Option(
                [field.flag, _key(field)], type=_Value(field), required=required, help=_help(field),
                multiple=field.option.repeat, metavar=_metavar(field),
            )  # fmt: skip


def _key(field: Field) -> str:
    """Return the name under which click keeps the value; `json` and `format` are fine names here."""
    return f"given_{field.name}".lower()


def _help(field: Field) -> str:
    default = field.option.default
    decided = field.default is not None and field.default != () and field.default is not msgspec.NODEFAULT
    if not default and decided and not isinstance(field.default, bool):
        default = field.text(field.default)
    return f"{field.help}  [default: {default}]" if default else field.help


def _metavar(field: Field) -> str:
    """Return what the help shows for a value: its choices, or its kind."""
    if field.option.metavar:
        return field.option.metavar
    kind = _plain(field.type)
    if get_origin(kind) is tuple:
        inside = _word(_plain(get_args(kind)[0]))
        return inside if field.option.repeat else f"{inside}[,{inside}...]"
    return _word(kind)


def _word(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"[{'|'.join(map(str, get_args(kind)))}]"
    if get_origin(kind) in (Union, UnionType):
        return "|".join(_word(_plain(part)) for part in get_args(kind)).replace("[", "").replace("]", "")
    return {int: "INTEGER", float: "NUMBER", str: "TEXT", Path: "PATH"}.get(kind, "NAME=NUMBER[,...]")


def _plain(kind: Any) -> Any:
    return get_args(kind)[0] if hasattr(kind, "__metadata__") else kind
