"""Options: the fields of a settings record, as the command line and Python take them.

A field of `Settings` is the one definition of an option: its name, type, bounds, default and help text (the
docstring, under `Attributes:`). From it follow the check of a value, whoever gives it, the option of the
command line (`cli/options.py`), the JSON that results carry, its schema, and the line that reproduces a run.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from inspect import get_annotations
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from relinkage.errors import InputError
from relinkage.records import Record, field_texts

Seed = Annotated[int, Meta(ge=0, le=2**32 - 1)]
"""What numpy, torch and scikit-learn all take as a seed."""
Count = Annotated[int, Meta(ge=1)]
"""How many, at least one."""
Positive = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, le=1)]


@dataclass(frozen=True)
class Option:
    """What the type of a field does not say of its option.

    Attributes:
        name: the option, where it is not called like the field.
        noun: what a value is, in messages: "is not a valid NOUN".
        wanted: what may be given, in messages, where the type does not say it well.
        default: what the help shows as default where the field's own is decided later.
        argument: whether the command line takes the value by its place.
        metavar: how the help writes the value.
        repeat: whether the option is given again for each further value, not once with commas.
        exists: whether a path must exist.
    """

    name: str = ""
    noun: str = ""
    wanted: str = ""
    default: str = ""
    argument: bool = False
    metavar: str = ""
    repeat: bool = False
    exists: bool = False


class Settings(Record, frozen=True):
    """The choices of something that can be asked for, checked when they are made."""

    def __post_init__(self) -> None:
        for field in fields_of(type(self)):
            given = getattr(self, field.name)
            checked = field.check(given)
            if checked is not given:
                msgspec.structs.force_setattr(self, field.name, checked)
        self.check()

    def check(self) -> None:
        """Check what several fields have to do with each other.

        Raises:
            InputError: they do not go together.
        """


Choices = TypeVar("Choices", bound=Settings)


@dataclass(frozen=True)
class Field:
    """A field of a settings record.

    Attributes:
        name: the field's name.
        type: its type, None left out.
        optional: whether it may be None.
        default: its default; `msgspec.NODEFAULT` where it must be given.
        help: what its docstring says.
        option: what else there is to know.
    """

    name: str
    type: Any
    optional: bool
    default: Any
    help: str
    option: Option

    @property
    def flag(self) -> str:
        """How the command line writes it: `--hard-negatives`."""
        if self.option.argument:
            return self.option.metavar or self.name.upper()
        return f"--{self.option.name or self.name.replace('_', '-')}"

    @property
    def many(self) -> bool:
        """Whether it holds any number of values."""
        return get_origin(_bare(self.type)) is tuple

    @property
    def wanted(self) -> str:
        """What may be given, in words."""
        return self.option.wanted or _wanted(self.type)

    def check(self, value: Any) -> Any:
        """Return a value as the field holds it: one value becomes a tuple of one where it holds several.

        Raises:
            InputError: it is not a valid value.
        """
        if value is None and self.optional:
            return None
        if self.many and not isinstance(value, list | tuple):
            value = (value,)
        try:
            checked = msgspec.convert(_python(value), self.type, dec_hook=_convert)
        except (msgspec.ValidationError, TypeError, ValueError, OverflowError) as error:
            raise _of_a_record(error) or self.refusal(self.text(value)) from None
        if not _is_finite(checked):
            raise self.refusal(self.text(value))
        return tuple(dict.fromkeys(checked)) if self.many and not self.option.repeat else checked

    def parse(self, text: str) -> Any:
        """Return the value that a text of the command line stands for.

        Raises:
            InputError: it stands for none; the message says what may be given.
        """
        kind = _bare(self.type)
        given: Any = text
        if self.many and not self.option.repeat:
            given = [part.strip() for part in text.split(",") if part.strip()]
            if not given:
                raise self.refusal(text)
        elif isinstance(kind, type) and issubclass(kind, Record):
            given = dict(_named_part(part, self) for part in text.split(","))
        item = get_args(kind)[0] if self.many and self.option.repeat else self.type
        try:
            value = msgspec.convert(given, item, strict=False, dec_hook=_convert)
        except (msgspec.ValidationError, TypeError, ValueError, OverflowError) as error:
            raise _of_a_record(error) or self.refusal(text) from None
        if not _is_finite(value):
            raise self.refusal(text)
        for path in value if isinstance(value, tuple) else (value,):
            if self.option.exists and isinstance(path, Path) and not _is_there(path):
                raise InputError(f"{self.flag} {path} does not exist; name a file or folder that does.")
        return value

    def text(self, value: Any) -> str:
        """Return a value as the command line writes it."""
        if isinstance(value, list | tuple):
            return ",".join(self.text(part) for part in value)
        if isinstance(value, Record):
            parts = msgspec.structs.asdict(value).items()
            return ",".join(f"{name}={self.text(part)}" for name, part in parts)
        if isinstance(value, float):
            return short if float(short := f"{value:.15g}") == value else repr(value)
        return str(value)

    def refusal(self, text: str) -> InputError:
        """Return the sentence that says what is wrong with a value, and what may be given."""
        noun = self.option.noun or self.flag.removeprefix("--").replace("-", " ").lower()
        shown = text if len(text) <= 60 else f"{text[:60]}…"
        return InputError(f"{self.flag} {shown} is not a valid {noun}; give {self.wanted}.")


def chosen(kind: type[Choices], settings: Choices | None, choices: Mapping[str, Any]) -> Choices:
    """Return the settings that a record and single choices make together.

    Args:
        kind: the kind of record.
        settings: the record; the defaults where not given.
        choices: single choices by name, which come before those of the record.

    Raises:
        InputError: there is no such choice, one that must be made is missing, or a value is not valid.
    """
    names = [field.name for field in fields_of(kind)]
    for name in choices:
        if name not in names:
            near = get_close_matches(name, names, 1)
            told = f"did you mean {near[0]}?" if near else f"give {', '.join(names)}."
            raise InputError(f"{name} is not a valid choice; {told}")
    held = {} if settings is None else {name: getattr(settings, name) for name in names}
    made = {**held, **choices}
    for field in fields_of(kind):
        if field.default is msgspec.NODEFAULT and field.name not in made:
            raise InputError(f"{field.flag} is missing; give {field.wanted}.")
    return kind(**made)


@cache
def fields_of(kind: type[Settings]) -> tuple[Field, ...]:
    """Return the fields of a settings record, those of its bases last."""
    hints, texts = get_type_hints(kind, include_extras=True), field_texts(kind)
    own_first = [name for base in kind.__mro__ for name in get_annotations(base)]
    fields = []
    for field in sorted(msgspec.structs.fields(kind), key=lambda field: own_first.index(field.name)):
        default = field.default
        if default is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
            default = cast(Any, field.default_factory)()
        held, option = _without_option(hints[field.name])
        optional = _is_optional(held)
        bare = _without_none(held) if optional else held
        fields.append(Field(field.name, bare, optional, default, texts.get(field.name, ""), option))
    return tuple(fields)


def command_line(settings: Settings) -> Iterator[str]:
    """Yield the options that ask for these settings, those at their defaults left out."""
    for field in fields_of(type(settings)):
        value = getattr(settings, field.name)
        if value == field.default or value is None:
            continue
        if field.option.argument:
            yield field.text(value)
        elif isinstance(value, bool):
            yield field.flag if value else field.flag.replace("--", "--no-", 1)
        elif field.option.repeat:
            for part in value:
                yield from (field.flag, field.text(part))
        else:
            yield from (field.flag, field.text(value))


def _without_option(hint: Any) -> tuple[Any, Option]:
    """Return a type, and the `Option` that it is annotated with."""
    option = Option()
    if get_origin(hint) is not Annotated:
        return hint, option
    held, *notes = get_args(hint)
    kept = [note for note in notes if not isinstance(note, Option)]
    for note in notes:
        option = note if isinstance(note, Option) else option
    return (Annotated[(held, *kept)] if kept else held), option


def _is_optional(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType) and NoneType in get_args(hint)


def _without_none(hint: Any) -> Any:
    kinds = tuple(kind for kind in get_args(hint) if kind is not NoneType)
    return kinds[0] if len(kinds) == 1 else Union[kinds]  # noqa: UP007 - of a tuple that is known at run time


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _wanted(hint: Any, many: bool = False) -> str:
    """Return what a type takes, in words."""
    bare = _bare(hint)
    if get_origin(bare) in (Union, UnionType):
        return " or ".join(_wanted(kind, many) for kind in get_args(bare))
    if get_origin(bare) is Literal:
        *others, last = map(str, get_args(bare))
        return f"{', '.join(others)} or {last}" if others else last
    if get_origin(bare) is tuple:
        return f"{_wanted(get_args(bare)[0], many=True)}, separated by commas"
    if isinstance(bare, type) and issubclass(bare, Record):
        names = [field.name for field in msgspec.structs.fields(bare)]
        return "numbers by name, such as " + ",".join(f"{name}=1" for name in names)
    nouns = {int: "whole number", float: "number", Path: "path", bool: "true or false"}
    noun = nouns.get(bare, "text")
    return (f"{noun}s" if many else noun if bare is bool else f"a {noun}") + _bounds(hint)


def _bounds(hint: Any) -> str:
    meta = [note for note in get_args(hint)[1:] if isinstance(note, Meta)] if _bare(hint) is not hint else []
    low = high = ""
    for note in meta:
        low = f" from {note.ge:.15g}" if note.ge is not None else low
        low = f" above {note.gt:.15g}" if note.gt is not None else low
        high = f" to {note.le:.15g}" if note.le is not None else high
        high = f" below {note.lt:.15g}" if note.lt is not None else high
    if low.startswith(" from") and not high:
        return f"{low} up"
    if high.startswith(" to") and not low.startswith(" from"):
        high = f" up{high}"
    return low + (" and" if low and not high.startswith(" to") and high else "") + high


def _of_a_record(error: Exception) -> InputError | None:
    """Return what a record inside a field says of its values, which says more than the field could."""
    return next((each for each in (error, error.__cause__) if isinstance(each, InputError)), None)


def _named_part(part: str, field: Field) -> tuple[str, str]:
    name, sign, number = part.partition("=")
    if not sign:
        raise field.refusal(part)
    return name.strip(), number.strip()


def _convert(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    if isinstance(value, kind):
        return value
    raise ValueError


def _python(value: Any) -> Any:
    """Return numbers of numpy as Python's, in tuples too."""
    if isinstance(value, list | tuple):
        return [_python(part) for part in value]
    if isinstance(value, Record):
        return msgspec.structs.asdict(value)
    return value.item() if type(value).__module__ == "numpy" and hasattr(value, "item") else value


def _is_there(path: Path) -> bool:
    """Return whether a file or folder exists; of `FILE:NAME`, an array in a file, the file."""
    file, _, name = str(path).rpartition(":")
    return path.exists() or bool(name and file and Path(file).exists())


def _is_finite(value: Any) -> bool:
    parts = msgspec.structs.astuple(value) if isinstance(value, Record) else value
    if isinstance(parts, tuple):
        return all(map(_is_finite, parts))
    return not isinstance(value, float) or math.isfinite(value)
