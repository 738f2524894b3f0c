"""The demonstration: three encoders of rising specialisation on one phantom cohort, and one report."""

import json

import jsonschema
import pytest

from calling import done
from relinkage.linkage.result import AuditResult
from relinkage.records import json_schema

RUNGS = ("general", "label", "report")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Run a small demonstration, in a place where an earlier one stands; give its folder and output."""
    out = tmp_path_factory.mktemp("demo") / "out"
    out.mkdir()
    (out / "demo.json").write_text(json.dumps({"schema": "relinkage.demo/1"}))
    (out / "stray").touch()
    return out, done("demo", "--pairs", "400", "--out", out, "--json")


@pytest.mark.slow
def test_a_demonstration_leaves_a_cohort_three_runs_and_one_report(demo):
    out, outcome = demo
    rungs = {f"{kind}-{name}" for kind in ("embeddings", "run") for name in RUNGS}
    assert {path.name for path in out.iterdir()} == {"demo.json", "cohort", "page.html", *rungs}
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    audits = json.loads(outcome.out)
    assert [audit["name"] for audit in audits] == [f"phantom:{name}" for name in RUNGS]
    for name, audit in zip(RUNGS, audits, strict=True):
        jsonschema.Draft202012Validator(json_schema(AuditResult)).validate(audit)
        assert json.loads((out / f"run-{name}/audit.json").read_text()) == audit
        assert audit["inputs"]["split"] == "test"
        assert (out / f"run-{name}/card.md").is_file()
    page = (out / "page.html").read_text()
    assert page.count('class="run"') == 3
    assert 'id="ladder"' in page
    assert "These runs differ" not in page


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["image-to-report", "report-to-image"])
def test_the_ladder_rises(demo, direction):
    general, label, report = (
        row
        for audit in json.loads(demo[1].out)
        for row in audit["closed_set"]
        if (row["direction"], row["pool"], row["k"]) == (direction, 100, 1)
    )
    assert general["lift"] < label["lift"] < report["lift"]
    assert general["low"] < 2 * general["chance"]
    assert report["low"] > 5 * report["chance"]
