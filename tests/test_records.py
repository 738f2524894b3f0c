"""Records: written and read back unchanged, described by their schema, and refused in one sentence."""

import json
import math
import re
from typing import Annotated, Any, Literal

import jsonschema
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from relinkage.cli.schema import KINDS, record_of
from relinkage.errors import InputError
from relinkage.options import Settings, Share
from relinkage.records import Record, json_schema, json_text, plain, read_record, schema_name, write_record


class Choices(Settings, frozen=True):
    """What was chosen.

    Attributes:
        level: A level.
    """

    level: Share = 0.5

    def check(self):
        if self.level == 0.25:
            raise InputError("--level 0.25 is out of fashion; give another.")


class Part(Record, frozen=True):
    """A part of the file. More of it.

    Attributes:
        share: How much
            of it.
        text: What it says.
    """

    share: Share
    text: str = ""


class Special(Part, frozen=True):
    """A part that has a number.

    Attributes:
        number: Its number.
    """

    number: Annotated[int, Meta(ge=1)]


class File(Record, frozen=True):
    """A file of the tests.

    Attributes:
        parts: Its parts.
        maybe: What may be missing.
    """

    schema: Literal["relinkage.test/1"] = "relinkage.test/1"
    parts: tuple[Special, ...]
    choices: Choices = Choices()
    maybe: float | None = None
    free: dict[str, Any] = msgspec.field(default_factory=dict)


SPECIALS = st.builds(Special, share=st.floats(0, 1), text=st.text(), number=st.integers(1, 2**53))
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
FILES = st.builds(
    File,
    parts=st.lists(SPECIALS, max_size=3).map(tuple),
    maybe=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    free=st.dictionaries(st.text(), JSON, max_size=3),
)
FILE = File(parts=(Special(share=0.5, text="secret", number=1),), maybe=2.0)


def read(path):
    return read_record(path, File, "a file of the tests", "write it again")


@given(FILES)
def test_what_is_written_is_read_back_and_satisfies_the_schema(tmp_path_factory, made):
    path = tmp_path_factory.getbasetemp() / "file.json"
    write_record(path, made)
    assert read(path) == made
    assert json.loads(path.read_text()) == json.loads(json_text(made)) == plain(made)
    jsonschema.validate(plain(made), json_schema(File), jsonschema.Draft202012Validator)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_not_written(tmp_path, number):
    for write in (lambda made: write_record(tmp_path / "file.json", made), json_text):
        with pytest.raises(ValueError, match="JSON"):
            write(File(parts=(), maybe=number))
    assert not list(tmp_path.iterdir())


def test_half_a_character_becomes_a_question_mark(tmp_path):
    write_record(tmp_path / "file.json", File(parts=(Special(share=0, text="a\udcff中", number=1),)))
    assert read(tmp_path / "file.json").parts[0].text == "a?中"


def test_numbers_of_numpy_are_numbers():
    made = File(parts=(Special(share=np.float32(0.5), number=np.int64(3)),))
    assert plain(made)["parts"] == [{"share": 0.5, "text": "", "number": 3}]
    with pytest.raises(TypeError, match="ndarray is not a value of a record"):
        plain(File(parts=(), free={"a": np.zeros(2)}))


def test_fields_are_given_by_name_and_cannot_be_changed():
    with pytest.raises(TypeError):
        Part(0.5)
    with pytest.raises(AttributeError):
        FILE.maybe = 1.0


def test_the_schema_says_what_the_docstrings_say():
    schema = json_schema(File)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["title"] == schema_name(File) == "relinkage.test/1"
    special = schema["$defs"]["Special"]
    assert special["description"] == "A part that has a number."
    assert special["properties"]["number"] == {"type": "integer", "minimum": 1, "description": "Its number."}
    assert special["properties"]["share"]["description"] == "How much of it."
    assert special["required"] == ["share", "number"]
    assert special["additionalProperties"] is False
    assert schema["$defs"]["File"]["required"] == ["schema", "parts"]
    assert schema["$defs"]["File"]["properties"]["maybe"]["description"] == "What may be missing."


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is not JSON, or was cut short"),
        ("secret", "is not JSON, or was cut short"),
        (json_text(FILE)[:-20], "is not JSON, or was cut short"),
        (b"\xff\xfe", "is not JSON, or was cut short"),
        ('"secret"', "the value is not what this release writes"),
        ('{"secret": 1}', "the field schema is missing"),
        (
            {"schema": "secret/1"},
            r"is not a file of the tests with this release \(schema relinkage\.test/1\)",
        ),
        ({"schema": 7}, "the value of schema is not what this release writes"),
        ({"parts": None}, "the value of parts is not what this release writes"),
        ({"parts": [{"share": 0.5}]}, r"the field number of parts\[0\] is missing"),
        ({"parts": [{"share": 2, "number": 1}]}, r"the value of parts\[0\]\.share is not"),
        ({"parts": [{"share": "secret", "number": 1}]}, r"the value of parts\[0\]\.share is not"),
        (
            {"parts": [{"share": 0, "number": 1, "secret": 2}]},
            r"it holds an unknown field in parts\[0\]",
        ),
        ({"secret": 1}, "it holds an unknown field;"),
        ({"maybe": True}, "the value of maybe is not"),
        ({"choices": {"level": 0.25}}, "its settings do not go together"),
        ({"choices": {"level": 7}}, r"the value of choices\.level is not"),
        ('{"schema": "relinkage.test/1", "free": ' + '{"a":' * 100_000, "nested too deeply"),
        (json_text(FILE).replace("2.0", "NaN"), "is not JSON"),
        (json_text(FILE).replace("2.0", "1e999"), "is not"),
    ],
)
def test_a_damaged_file_is_one_sentence_that_quotes_nothing(tmp_path, content, says):
    path = tmp_path / "file.json"
    if isinstance(content, dict):
        content = json.dumps({**plain(FILE), **content})
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=says) as error:
        read(path)
    sentence = str(error.value)
    assert re.fullmatch(r"\S[^\n]*\.", sentence)
    assert "write it again" in sentence or "name a file of the tests" in sentence
    assert "secret" not in sentence


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path):
    with pytest.raises(InputError, match=r"missing\.json does not exist; name a file of the tests\.$"):
        read(tmp_path / "missing.json")
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\); name a file of the tests\.$"):
        read(tmp_path)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_has_a_schema_in_which_all_is_described(name):
    schema = json_schema(record_of(name))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["title"].startswith("relinkage.")
    lacking = [
        f"{kind}.{field}"
        for kind, part in schema["$defs"].items()
        for field, value in part.get("properties", {}).items()
        if not value.get("description")
    ]
    assert lacking == []
    assert [kind for kind, part in schema["$defs"].items() if not part.get("description")] == []
