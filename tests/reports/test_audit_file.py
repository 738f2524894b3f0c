"""`audit.json`: the published schema, and the reader that refuses anything else."""

import json

import jsonschema
import pytest
from synthetic_audit import synthetic_audit

from relinkage.errors import InputError
from relinkage.files import write_json
from relinkage.reports import audit_schema, read_audit


@pytest.fixture(scope="module")
def validator():
    jsonschema.Draft202012Validator.check_schema(audit_schema())
    return jsonschema.Draft202012Validator(audit_schema())


@pytest.mark.parametrize("kind", ["arrays", "embeddings"])
@pytest.mark.parametrize("patients", [9_000, None])
def test_a_realistic_audit_satisfies_the_schema(validator, kind, patients):
    directions = ("image-to-report", "report-to-image")
    for complete in (False, True):
        audit = synthetic_audit(kind=kind, patients=patients, directions=directions, complete=complete)
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
        (("open_set", 0, "tpir"), 1.2),
        (("open_set", 0, "score"), "guess"),
        (("open_set", 0, "full"), "yes"),
        (("open_set", 0, "ppv", 0, "ppv"), "none"),
        (("open_set", 0, "fpir_low"), -0.1),
        (("det", 0, "points"), []),
        (("det", 0, "points", 0, "fpir"), 2),
        (("det", 0, "full"), None),
        (("targets", 0, "target"), "study"),
        (("targets", 0, "recall"), -1),
        (("entropy", 0, "entropy"), 1.01),
        (("entropy", 0, "temperature"), 0),
        (("entropy", 0, "sampled"), "yes"),
        (("ranks", 0, "optimistic"), {"mrr": 0.5}),
        (("ranks", 0, "pessimistic", "mean_rank"), 0.5),
        (("settings", "open_set_sample"), 0),
        (("inputs", "token_budget"), 0),
        (("inputs", "cut_share"), 1.1),
    ],
)
def test_the_schema_refuses_what_an_audit_cannot_hold(validator, path, value):
    audit = synthetic_audit(queries=500, patients=300, complete=True)
    *parents, last = path
    place = audit
    for key in parents:
        place = place[key]
    place[last] = value
    assert not validator.is_valid(audit)


@pytest.mark.parametrize(
    ("table", "optional"),
    [
        ("open_set", {"full", "fpir_low", "fpir_high"}),
        ("det", set()),
        ("targets", set()),
        ("entropy", set()),
        ("ranks", {"optimistic", "pessimistic"}),
    ],
)
def test_the_schema_asks_for_what_the_report_reads(validator, table, optional):
    whole = synthetic_audit(queries=500, patients=300, complete=True)
    for field in whole[table][0]:
        audit = whole | {table: [{k: v for k, v in whole[table][0].items() if k != field}]}
        assert validator.is_valid(audit) == (field in optional), field


@pytest.mark.parametrize("key", ["det", "targets", "entropy"])
def test_runs_of_earlier_versions_lack_the_newer_tables(validator, key):
    audit = synthetic_audit(queries=500, patients=300, complete=True)
    del audit[key]
    assert validator.is_valid(audit)


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
