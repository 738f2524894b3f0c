"""`relinkage check` on runs that were written: exit statuses, files, and what is refused."""

import json
import shutil
from xml.etree import ElementTree

import jsonschema
import msgspec
import numpy as np
import polars as pl
import pytest

from calling import done, refused, relinkage
from relinkage.errors import InputError
from relinkage.policies import CheckResult
from relinkage.records import json_schema
from relinkage.studies import check
from relinkage.studies.gating import attacked

LENIENT = 'name = "lenient"\n[[rule]]\nfigure = "recall"\nat_most = 0.9\n'
STRICT = LENIENT.replace("0.9", "0.001")
FIELDS = {"--replicates": 200, "--pool": "100,full", "--k": 1}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gate")
    rng = np.random.default_rng(0)
    images = rng.normal(size=(300, 16)).astype(np.float32)
    np.save(folder / "images.npy", images)
    np.save(folder / "reports.npy", images + 3 * rng.normal(size=images.shape).astype(np.float32))
    split = ["train"] * 150 + ["test"] * 150
    ids = [f"p{row}" for row in range(300)]
    pl.DataFrame({"pair_id": ids, "patient_id": ids, "split": split}).write_csv(folder / "pairs.csv")
    arrays = ["--images", folder / "images.npy", "--reports", folder / "reports.npy"]
    arrays += ["--pairs", folder / "pairs.csv"]
    options = [part for item in FIELDS.items() for part in item]
    done("audit", *arrays, *options, "--linkage", "--out", folder / "run")
    done("audit", *arrays, *options, "--out", folder / "rows")
    done("attack", *arrays, "--attackers", "cosine,ridge", *options, "--out", folder / "attack")
    done("audit", *arrays[:4], *options, "--out", folder / "nobody")
    (folder / "lenient.toml").write_text(LENIENT)
    (folder / "strict.toml").write_text(STRICT)
    return folder


@pytest.mark.parametrize(
    ("run", "policy", "status"),
    [
        ("run", "lenient.toml", 0), ("run", "strict.toml", 1), ("attack", "lenient.toml", 0),
        ("attack", "strict.toml", 1), ("nobody", "lenient.toml", 1), ("run", "hospital", 1),
        ("run/audit.json", "lenient.toml", 0),
    ],
)  # fmt: skip
def test_the_exit_status_is_the_verdict(desk, run, policy, status):
    named = policy if policy == "hospital" else desk / policy
    outcome = relinkage("check", desk / run, "--policy", named)
    assert outcome.status == status
    assert ("fails" if status else "passes") in outcome.out.splitlines()[-1]


def test_the_attackers_of_a_run_are_found_and_counted(desk):
    assert [each.attacker for each in attacked(desk / "attack")] == ["cosine", "ridge"]
    assert (
        "by the 2 attackers tried"
        in relinkage("check", desk / "attack", "--policy", desk / "lenient.toml").out
    )


def test_what_a_plan_wrote_stands_for_the_one_stage_that_holds_a_run(desk, tmp_path):
    shutil.copytree(desk / "attack", tmp_path / "stages/attack")
    assert [each.attacker for each in attacked(tmp_path)] == ["cosine", "ridge"]
    shutil.copytree(desk / "run", tmp_path / "stages/base")
    with pytest.raises(InputError, match=r"holds runs of several stages; name one of them, such as .*attack"):
        attacked(tmp_path)


def test_files_say_the_same_as_the_terminal(desk, tmp_path):
    line = ["check", desk / "run", "--policy", desk / "strict.toml", "--json"]
    outcome = relinkage(*line, "--out", tmp_path / "check.json", "--junit", tmp_path / "junit.xml")
    assert outcome.status == 1
    assert json.loads(outcome.out) == json.loads((tmp_path / "check.json").read_text())
    found = msgspec.json.decode(outcome.out, type=CheckResult)
    assert not found.passed
    jsonschema.validate(json.loads(outcome.out), json_schema(CheckResult))
    assert ElementTree.parse(tmp_path / "junit.xml").getroot()[0].get("failures") == "1"


def test_annotations_come_where_github_runs(desk, monkeypatch):
    line = ["check", desk / "run", "--policy", desk / "strict.toml"]
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    assert "::error" not in relinkage(*line).out
    assert "::error title=" in relinkage(*line, "--github").out
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    outcome = relinkage(*line, "--json")
    assert "::error title=" in outcome.err
    json.loads(outcome.out)


def test_a_reference_adds_a_rule(desk):
    line = ["check", desk / "run", "--policy", desk / "lenient.toml", "--against", desk / "run"]
    outcome = relinkage(*line, "--margin", "0.1", "--json")
    own, above = msgspec.json.decode(outcome.out, type=CheckResult).verdicts
    assert (outcome.status, above.at_most, above.limit) == (0, 0, pytest.approx(0.09))
    assert own.rule in above.rule


def test_runs_without_linkage_tables_are_held_against_each_other_as_if_independent(desk):
    line = ["check", desk / "rows", "--policy", desk / "lenient.toml", "--against", desk / "run", "--json"]
    _, above = msgspec.json.decode(relinkage(*line).out, type=CheckResult).verdicts
    assert above.figure == 0 < above.at_most
    assert above.detail == "of other patients, or without --linkage"


def test_several_mistakes_of_a_policy_are_several_lines(desk, tmp_path):
    (tmp_path / "mine.toml").write_text('name = "x"\n[[rule]]\nfigure = "recal"\n[[rule]]\nfigure = "lift"\n')
    outcome = relinkage("check", desk / "run", "--policy", tmp_path / "mine.toml")
    assert (outcome.status, outcome.out) == (2, "")
    assert [line.split(",")[1].split(":")[0] for line in outcome.err.splitlines()] == [" line 3", " line 4"]


def test_what_cannot_be_checked_is_refused(desk, tmp_path):
    (tmp_path / "empty").mkdir()
    policy = ["--policy", desk / "lenient.toml"]
    assert "holds no run" in refused(tmp_path, "check", tmp_path / "empty", *policy)
    assert "--margin goes with a reference" in refused(
        tmp_path, "check", desk / "run", *policy, "--margin", 1
    )
    with pytest.raises(InputError, match="several attackers on the same pairs"):
        check(desk, str(desk / "lenient.toml"))
