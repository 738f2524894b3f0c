"""Records: what relinkage writes to disk and prints as JSON, as types that check and describe themselves.

The type of a record is the one definition of its file: what is written, what is accepted when it is read
again, and the published JSON Schema all follow from it.
"""

import inspect
import json
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar, dataclass_transform, get_args

import msgspec

from relinkage.errors import InputError
from relinkage.files import write_json

DRAFT = "https://json-schema.org/draft/2020-12/schema"

Fingerprint = Annotated[str, msgspec.Meta(pattern="^sha256:[0-9a-f]{64}$")]
"""What `files.fingerprint` makes of some content."""


class _KeywordsOnly(msgspec.StructMeta):
    """Makes the fields of records keyword-only; msgspec asks for it again in every subclass."""

    def __new__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **choices: Any
    ) -> "_KeywordsOnly":
        return super().__new__(cls, name, bases, namespace, **{"kw_only": True, **choices})


@dataclass_transform(kw_only_default=True, field_specifiers=(msgspec.field,))
class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, metaclass=_KeywordsOnly):
    """A row, or a whole file, of results.

    A subclass names its fields with their types, and says what they hold under `Attributes:` in its
    docstring; the JSON Schema quotes it. A record that is a file has a field `schema` whose default is its
    name and version.
    """


R = TypeVar("R", bound=Record)
S = TypeVar("S", bound=msgspec.Struct)


def plain(value: Any) -> Any:
    """Return a record, or records in lists and dictionaries, as what `json.dumps` takes."""
    return _lists(msgspec.to_builtins(value, enc_hook=_python_number))


def json_text(value: Any) -> str:
    """Return a record as indented JSON.

    Raises:
        ValueError: it holds NaN or infinity, for which JSON has no numbers.
    """
    text = json.dumps(plain(value), indent=1, allow_nan=False)
    return text.replace("\x7f", "\\u007f")  # the one control character that JSON leaves as it is


def write_record(path: Path, record: Record) -> None:
    """Write a record as indented JSON, whole or not at all.

    Raises:
        ValueError: it holds NaN or infinity, for which JSON has no numbers.
    """
    write_json(path, plain(record))


def read_record(path: Path, kind: type[R], what: str, again: str) -> R:
    """Return the record that a JSON file holds.

    Args:
        path: the file.
        kind: the type of the record.
        what: what the file should be, for messages: "an audit that `relinkage audit --out` wrote".
        again: what to do about a damaged file, for messages: "run the audit again".

    Raises:
        InputError: the file is missing or cannot be read, is of another kind or version, or is damaged. The
            message quotes nothing of its content.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; name {what}.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); name {what}.") from None
    name = schema_name(kind)
    if name is not None and _decoded(content, _Named, path, what, again).schema != name:
        raise InputError(f"{path} is not {what} with this release (schema {name}); {again}.")
    return _decoded(content, kind, path, what, again)


def _decoded(content: bytes, kind: type[S], path: Path, what: str, again: str) -> S:
    try:
        return msgspec.json.decode(content, type=kind)
    except RecursionError:
        raise InputError(f"{path} is damaged: it is nested too deeply; {again}.") from None
    except msgspec.ValidationError as error:
        # The sentence of settings that do not go together holds their values.
        together = isinstance(error.__cause__, InputError)
        fault = "its settings do not go together" if together else _fault(str(error))
        raise InputError(f"{path} is not a valid file: {fault}; {again}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InputError(f"{path} is not JSON, or was cut short; name {what}, or {again}.") from None


class _Named(msgspec.Struct):
    schema: str


def _fault(message: str) -> str:
    """Return what is wrong and where, without the value that was read: it may be a report's text."""
    fault, _, place = message.partition(" - at ")
    where = place.strip("`").removeprefix("$").lstrip(".")
    at = f" of {where}" if where else ""
    if lacks := re.fullmatch("Object missing required field `([^`]*)`", fault):
        return f"the field {lacks[1]}{at} is missing"
    if fault.startswith("Object contains unknown field"):
        return f"it holds an unknown field{at and f' in {where}'}"
    return f"the value{at} is not what this release writes"


def schema_name(kind: type[Record]) -> str | None:
    """Return the name and version that a file of this kind carries, such as `relinkage.audit/1`."""
    for field in msgspec.structs.fields(next(iter(get_args(kind)), kind)):  # kinds of one file share it
        if field.name == "schema":
            return str(field.default)
    return None


def json_schema(kind: type[Record]) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a record, with the descriptions of its docstrings."""
    (whole,), parts = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    kinds = _kinds(kind)
    for name, part in parts.items():
        described = kinds.get(name)
        if described is None:
            continue
        part["description"] = summary(described)
        texts = _OF_ANY_FILE | field_texts(described)
        help_texts = {field.encode_name: texts.get(field.name) for field in msgspec.structs.fields(described)}
        help_texts[described.__struct_config__.tag_field or ""] = "Which of the kinds this is."
        for field, value in part.get("properties", {}).items():
            if help_texts.get(field) and "description" not in value:
                value["description"] = help_texts[field]
        if schema_name(described) is not None:
            part["required"] = ["schema", *part["required"]]
    return {"$schema": DRAFT, "title": schema_name(kind) or kind.__name__, **whole, "$defs": _lists(parts)}


_OF_ANY_FILE = {"schema": "The kind of the file and its version.", "version": "The release that wrote it."}


@cache
def _kinds(kind: type[Record]) -> dict[str, type[Any]]:
    """Return the record types inside a record, by their names."""
    inside = msgspec.inspect.multi_type_info([kind])
    seen: dict[str, type[Any]] = {}
    waiting: list[Any] = list(inside)
    while waiting:
        part = waiting.pop()
        if isinstance(part, msgspec.inspect.StructType):
            if part.cls.__name__ in seen:
                continue
            seen[part.cls.__name__] = part.cls
        waiting += _parts(part)
    return seen


def _parts(info: Any) -> list[Any]:
    parts = []
    for name in getattr(info, "__struct_fields__", ()):
        value = getattr(info, name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, msgspec.inspect.Type):
                parts.append(item)
            elif isinstance(item, msgspec.inspect.Field):
                parts.append(item.type)
    return parts


def summary(kind: type[Any]) -> str:
    """Return the first sentence of a type's docstring."""
    return inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].replace("\n", " ")


def field_texts(kind: type[Any]) -> dict[str, str]:
    """Return what the docstrings of a type and of its bases say of its fields, under `Attributes:`."""
    texts: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        _, _, attributes = inspect.cleandoc(base.__dict__.get("__doc__") or "").partition("Attributes:\n")
        for found in re.finditer(r"^    (\w+): (.*(?:\n     .*)*)", attributes, re.MULTILINE):
            texts[found[1]] = re.sub(r"\s+", " ", found[2]).strip()
    return texts


def _lists(value: Any) -> Any:
    """Return JSON's lists for tuples, and a question mark for half a character: no JSON may hold one."""
    if isinstance(value, dict):
        return {_lists(key): _lists(part) for key, part in value.items()}
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "replace").decode()
    return [_lists(part) for part in value] if isinstance(value, list | tuple) else value


def _python_number(value: Any) -> Any:
    """Return a number of numpy as Python's."""
    try:
        return value.item()
    except (AttributeError, ValueError):
        raise TypeError(f"{type(value).__name__} is not a value of a record") from None
