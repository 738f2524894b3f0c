"""TOML files that people write: every mistake is reported at once, with its line and what to write instead.

Python's reader tells the line of broken TOML only, so where a key stands is looked up in the text.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from relinkage.errors import InputError, SeveralFaultsError
from relinkage.options import Settings, fields_of
from relinkage.printing import visible

Place = tuple[str | int, ...]
"""Where a value stands: `("rule", 2, "pool")` is the pool of the third `[[rule]]`."""
S = TypeVar("S", bound=Settings)

_KEY = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*\]\]?")
_ASSIGNED = re.compile(rf"\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*=")
_LARGEST = 1_000_000
"""Bytes of a file; what people write is far shorter."""


class TomlFile:
    """A TOML file, where its keys stand, and the mistakes that were found in it.

    Attributes:
        called: what messages call it.
        content: its keys and values.
    """

    def __init__(self, text: str, called: str) -> None:
        self.called = called
        self._faults: list[tuple[int, str]] = []
        try:
            self.content = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            at = re.search(r"line \d+, column \d+", str(error))
            where = f" at {at[0]}" if at else ""
            raise InputError(f"{called} is not valid TOML{where}; mend it there.") from None
        self._lines = _lines(text)

    @classmethod
    def read(cls, path: Path) -> "TomlFile":
        """Read a file.

        Raises:
            InputError: it is missing, cannot be read, or is not TOML.
        """
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise InputError(f"{path} does not exist; name a TOML file that does.") from None
        except OSError as error:
            raise InputError(f"{path} cannot be read ({error.strerror}); name a TOML file.") from None
        if len(content) > _LARGEST:
            raise InputError(f"{path} has {len(content)} bytes; a file that people write has fewer.")
        try:
            return cls(content.decode("utf-8"), str(path))
        except UnicodeDecodeError:
            raise InputError(f"{path} is not UTF-8; write it in UTF-8.") from None

    def fault(self, place: Place, sentence: str) -> None:
        """Take note of a mistake.

        Args:
            place: the key that it concerns, or one that is missing: then the table that lacks it counts.
            sentence: what is wrong and what to do, in words that go on after the line.
        """
        while place and place not in self._lines:
            place = place[:-1]
        self._faults.append((self._lines.get(place, 0), sentence))

    def settings(self, kind: type[S], table: Any, place: Place, *, also: Iterable[str] = ()) -> S | None:
        """Return a table as settings; None where it has mistakes, which are taken note of.

        Args:
            kind: the settings.
            table: the table.
            place: where it stands.
            also: further keys that it may have, which are read elsewhere.
        """
        if not isinstance(table, Mapping):
            name = ".".join(map(str, place))
            self.fault(place, f"{name} is not a table; write it under a header in brackets.")
            return None
        fields = {field.name: field for field in fields_of(kind)}
        before = len(self._faults)
        self.unknown(table, (*fields, *also), place)
        values = {}
        for name, field in fields.items():
            if name not in table:
                if field.default is msgspec.NODEFAULT:
                    self.fault((*place, name), f"{name} is missing; give {field.wanted}.")
                continue
            try:
                values[name] = field.check(table[name])
            except InputError as error:
                self.fault((*place, name), str(error))
        if len(self._faults) > before:
            return None
        try:
            return kind(**values)
        except InputError as error:
            self.fault(place, str(error))
            return None

    def unknown(self, table: Mapping[str, Any], known: Iterable[str], place: Place = ()) -> None:
        """Take note of the keys of a table that nobody knows, with the known one that is most like each."""
        names = list(known)
        for key in table:
            if key not in names:
                self.fault((*place, key), f"{visible(key[:60])} is not a valid key; {near(key, names)}")

    def check(self) -> None:
        """Check that no mistake was taken note of.

        Raises:
            InputError: there are some; it names all of them.
        """
        if not self._faults:
            return
        said = [
            f"{self.called}, line {line}: {sentence}" if line else f"{self.called}: {sentence}"
            for line, sentence in sorted(self._faults, key=lambda fault: fault[0])
        ]
        raise SeveralFaultsError(said)


def near(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about a name that nobody knows: the known one like it, or all of them."""
    names = list(known)
    like = get_close_matches(name, names, 1)
    return f"did you mean {like[0]}?" if like else f"give {', '.join(names)}."


def _lines(text: str) -> dict[Place, int]:
    """Return the line of each key that has a line of its own, and of each header, counting from 1."""
    lines: dict[Place, int] = {}
    tables: dict[Place, int] = {}
    above: Place = ()
    inside = ""
    for number, line in enumerate(text.split("\n"), 1):
        if inside:
            inside = "" if line.count(inside) % 2 else inside
            continue
        if line.lstrip().startswith("#"):
            continue
        if header := _HEADER.match(line):
            above = _of_arrays(_keys(header[2]), tables)
            if header[1] == "[[":
                tables[above] = tables.get(above, -1) + 1
                above = (*above, tables[above])
            lines.setdefault(above, number)
        elif assigned := _ASSIGNED.match(line):
            lines.setdefault((*above, *_keys(assigned[1])), number)
        inside = next((mark for mark in ('"""', "'''") if line.count(mark) % 2), "")
    return lines


def _keys(dotted: str) -> Place:
    return tuple(key.strip("\"'") for key in re.findall(_KEY, dotted))


def _of_arrays(keys: Place, tables: Mapping[Place, int]) -> Place:
    """Return the place of a header: below an array of tables, in the last of them."""
    place: Place = ()
    for number, key in enumerate(keys):
        place = (*place, key)
        if place in tables and number < len(keys) - 1:
            place = (*place, tables[place])
    return place
