"""`relinkage schema` prints what is published under docs/schemas."""

import json
from pathlib import Path

import pytest

from calling import done, refused
from relinkage.cli.schema import KINDS

PUBLISHED = Path(__file__).parents[1] / "docs" / "schemas"


def test_the_published_schemas_are_up_to_date(tmp_path):
    done("schema", "--out", tmp_path)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    published = {path.name: path.read_text() for path in PUBLISHED.glob("*.schema.json")}
    assert made.keys() == published.keys(), "run `make schemas`"
    assert made == published, "run `make schemas`"


@pytest.mark.parametrize("name", KINDS)
def test_a_schema_is_printed_by_its_name(name):
    printed = json.loads(done("schema", name).out)
    assert printed == json.loads((PUBLISHED / f"{name}.schema.json").read_text())


def test_without_a_name_the_kinds_are_listed():
    lines = done("schema").out.splitlines()
    assert [line.split()[0] for line in lines] == list(KINDS)
    assert all(len(line.split()) > 3 for line in lines)


def test_another_name_is_refused(tmp_path):
    assert "NAME poem is not a kind of file; give audit" in refused(tmp_path, "schema", "poem")
