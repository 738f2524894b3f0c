"""`audit.json`: the published schema, and the reader that refuses anything else."""

import json
from copy import deepcopy

import jsonschema
import pytest
from synthetic_audit import as_record, synthetic_audit, synthetic_json

from relinkage.errors import InputError
from relinkage.files import write_json
from relinkage.linkage.result import AuditResult
from relinkage.pages import read_audit
from relinkage.records import json_schema, plain, write_record


@pytest.fixture(scope="module")
def validator():
    jsonschema.Draft202012Validator.check_schema(json_schema(AuditResult))
    return jsonschema.Draft202012Validator(json_schema(AuditResult))


@pytest.fixture(scope="module")
def whole():
    return plain(as_record(synthetic_json(queries=500, patients=300, complete=True)))


@pytest.mark.parametrize("kind", ["arrays", "embeddings"])
@pytest.mark.parametrize("patients", [9_000, None])
def test_a_realistic_audit_satisfies_the_schema(validator, kind, patients):
    directions = ("image-to-report", "report-to-image")
    for complete in (False, True):
        audit = synthetic_audit(kind=kind, patients=patients, directions=directions, complete=complete)
        assert list(validator.iter_errors(plain(audit))) == []


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
        (("settings",), None),
        (("inputs", "images"), {}),
        (("inputs",), None),
        (("patients",), None),
        (("controls", 0, "on_chance"), "yes"),
        (("controls", 0, "control"), "a guess"),
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
        (("rank_distribution", 0, "counts", 0), 0.5),
        (("open_set_sample",), 0),
        (("inputs", "token_budget"), 0),
        (("inputs", "cut_share"), 1.1),
        (("patient_ids",), ["p10000032"]),
    ],
)
def test_neither_schema_nor_reader_takes_what_an_audit_cannot_hold(validator, whole, tmp_path, path, value):
    audit = deepcopy(whole)
    *parents, last = path
    place = audit
    for key in parents:
        place = place[key]
    place[last] = value
    assert not validator.is_valid(audit)
    write_json(tmp_path / "audit.json", audit)
    with pytest.raises(InputError):
        read_audit(tmp_path)


@pytest.mark.parametrize(
    "table", ["closed_set", "open_set", "det", "targets", "entropy", "ranks", "controls"]
)
def test_every_field_of_a_row_has_to_be_there(validator, whole, table):
    for field in whole[table][0]:
        row = {key: value for key, value in whole[table][0].items() if key != field}
        assert not validator.is_valid(whole | {table: [row]}), field


def test_a_run_folder_and_its_file_read_the_same(tmp_path):
    audit = synthetic_audit(queries=500, patients=300)
    write_record(tmp_path / "run" / "audit.json", audit)
    assert read_audit(tmp_path / "run") == read_audit(tmp_path / "run" / "audit.json") == audit


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist; name an audit that `relinkage audit --out` wrote"),
        ("not json", "is not JSON, or was cut short"),
        ("[]", "is not what this release writes"),
        ("{}", "the field schema is missing"),
        ('{"schema": "other/9"}', r"is not an audit .* with this release \(schema relinkage\.audit/1\)"),
        ('{"schema": "relinkage.audit/1"}', "the field version is missing"),
        ("[" * 100_000, "is not what this release writes"),
        ('{"schema": "relinkage.audit/1", "attacker": {"settings": {"a": ' + "[" * 100_000, "too deeply"),
    ],
)
def test_anything_else_is_one_sentence(tmp_path, content, message):
    if content is not None:
        (tmp_path / "audit.json").write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        read_audit(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("rank_distribution", 0, "counts"), [1], "rank_distribution has not one count a bin"),
        (("rank_distribution", 0, "counts"), [0] * 30, "rank_distribution counts nothing"),
        (("rank_distribution", 0, "edges"), [0.5] * 31, "rank_distribution has edges that do not rise"),
        (("settings", "ladder"), True, "its settings do not go together"),
    ],
)
def test_what_does_not_go_together_is_damaged(tmp_path, whole, path, value, message):
    audit = deepcopy(whole)
    audit["settings"]["hard_negatives"] = ["labels"]
    *parents, last = path
    place = audit
    for key in parents:
        place = place[key]
    place[last] = value
    (tmp_path / "audit.json").write_text(json.dumps(audit))
    with pytest.raises(InputError, match=message) as error:
        read_audit(tmp_path)
    assert "secret" not in str(error.value)
