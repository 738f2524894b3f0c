"""`audit.json`: the published schema, and the reader that refuses anything else."""

import json

import jsonschema
import pytest
from synthetic_audit import synthetic_audit

from relinkage.errors import InputError
from relinkage.files import write_json
from relinkage.reports import audit_schema, read_audit


@pytest.fixture
def validator():
    jsonschema.Draft202012Validator.check_schema(audit_schema())
    return jsonschema.Draft202012Validator(audit_schema())


@pytest.mark.parametrize("kind", ["arrays", "embeddings"])
@pytest.mark.parametrize("patients", [9_000, None])
def test_a_realistic_audit_satisfies_the_schema(validator, kind, patients):
    audit = synthetic_audit(kind=kind, patients=patients, directions=("image-to-report", "report-to-image"))
    assert list(validator.iter_errors(audit)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "relinkage.audit/2"),
        (("queries",), 0),
        (("closed_set",), []),
        (("closed_set", 0, "recall"), 1.2),
        (("closed_set", 0, "chance"), 0),
        (("closed_set", 0, "direction"), "sideways"),
        (("settings", "interval"), 95),
        (("inputs", "images"), None),
        (("patients",), None),
        (("controls", 0, "on_chance"), "yes"),
    ],
)
def test_the_schema_refuses_what_an_audit_cannot_hold(validator, path, value):
    audit = synthetic_audit(queries=500, patients=300)
    *parents, last = path
    place = audit
    for key in parents:
        place = place[key]
    place[last] = value
    assert not validator.is_valid(audit)


def test_a_run_folder_and_its_file_read_the_same(tmp_path):
    audit = synthetic_audit(queries=500, patients=300)
    write_json(tmp_path / "run" / "audit.json", audit)
    assert read_audit(tmp_path / "run") == read_audit(tmp_path / "run" / "audit.json") == audit


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        ("not json", "cannot be read"),
        ("[]", "holds no JSON object"),
        ("{}", r"has the schema no name, this release reads relinkage\.audit/1"),
        ('{"schema": "other/9"}', "has the schema 'other/9'"),
        ('{"schema": "relinkage.audit/1"}', "lacks version, name"),
    ],
)
def test_anything_else_is_one_sentence(tmp_path, content, message):
    if content is not None:
        (tmp_path / "audit.json").write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        read_audit(tmp_path)
    assert "\n" not in str(caught.value)


def test_an_audit_without_rows_is_refused(tmp_path):
    audit = synthetic_audit(queries=500, patients=300) | {"closed_set": []}
    (tmp_path / "audit.json").write_text(json.dumps(audit))
    with pytest.raises(InputError, match="no closed-set rows"):
        read_audit(tmp_path)
