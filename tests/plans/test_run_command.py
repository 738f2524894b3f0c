"""`relinkage run`: a plan of real commands, a scenario, and a plan that is killed again and again."""

import json
import random
import shutil
import signal
import sys

import msgspec
import numpy as np
import polars as pl
import pytest

import warm
from calling import done, refused, relinkage
from relinkage.attackers import ATTACKERS, load_attacker
from relinkage.cli.run import SCENARIOS, VERBS, _verb
from relinkage.plans.result import RunResult

FEW = "replicates = 100"
PLAN = f"""name = "small"

[stage.draw]
command = "phantom"
pairs = 200

[stage.embed]
command = "embed"
cohort = "stage:draw"
model = "phantom:report"

[stage.attack]
command = "attack"
embeddings = "stage:embed"
split = "all"
attackers = ["cosine", "whiten"]
{FEW}

[stage.gate]
command = "check"
run = "stage:attack"
policy = "lenient.toml"

[stage.page]
command = "page"
run = "stage:attack"
"""
LENIENT = 'name = "lenient"\nfewest_patients = 20\n[[rule]]\nfigure = "recall"\nat_most = 0.99\n'
WITHOUT_PAIRS = [name for name in ATTACKERS if not load_attacker(name).needs_pairs]
KILLED = """
import os, signal, sys
changes = []
def watch(event, given):
    writes = event == "open" and str(given[1])[:1] in ("w", "a", "x") and {place!r} in str(given[0])
    if writes or event in ("os.mkdir", "os.chmod", "os.rename", "os.remove", "os.rmdir"):
        changes.append(event)
        if len(changes) == {step}:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
sys.argv = {line!r}
from relinkage.__main__ import run
run()
"""


@pytest.fixture
def desk(tmp_path):
    (tmp_path / "plan.toml").write_text(PLAN)
    (tmp_path / "lenient.toml").write_text(LENIENT)
    return tmp_path


def everything(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".digests.json"
    }


@pytest.mark.slow
def test_a_plan_of_real_commands_runs_once(desk):
    outcome = done("run", desk / "plan.toml", "--out", desk / "run")
    assert outcome.out == "small: all 5 stages are done.\n"
    assert "5 of 5 stages ran" in outcome.err
    assert (desk / "run/stages/page.html").is_file()
    again = done("run", desk / "plan.toml", "--out", desk / "run", "--json")
    assert "Nothing was left to do" in again.err
    result = msgspec.json.decode(again.out, type=RunResult)
    assert json.loads((desk / "run/plan.json").read_text()) == json.loads(again.out)
    assert [stage.name for stage in result.stages] == ["draw", "embed", "attack", "gate", "page"]
    (desk / "lenient.toml").write_text(LENIENT.replace("0.99", "0.001"))
    stricter = relinkage("run", desk / "plan.toml", "--out", desk / "run")
    assert (stricter.status, stricter.out) == (1, "small: all 5 stages are done; not passed: gate.\n")
    assert "1 of 5 stages ran" in stricter.err


def test_a_dry_run_shows_stages_and_writes_nothing(desk):
    outcome = done("run", desk / "plan.toml", "--out", desk / "run", "--dry-run")
    assert [line.split()[0] for line in outcome.out.splitlines()[1:]] == [
        "draw",
        "embed",
        "attack",
        "gate",
        "page",
    ]
    assert "200 pairs" in outcome.out
    assert not (desk / "run").exists()
    told = json.loads(done("run", desk / "plan.toml", "--out", desk / "run", "--dry-run", "--json").out)
    assert told[2]["seconds"] > 0


def test_what_is_wrong_is_told_before_anything_runs(desk):
    (desk / "plan.toml").write_text(PLAN.replace('"embed"', '"embd"', 1).replace("pairs = 200", "pairs = 0"))
    outcome = relinkage("run", desk / "plan.toml", "--out", desk / "run")
    assert outcome.status == 2
    assert len(outcome.err.splitlines()) == 2
    assert not (desk / "run").exists()
    (desk / "plan.toml").write_text(PLAN)
    (desk / "lenient.toml").write_text(LENIENT.replace("recall", "recal").replace("fewest", "fewst"))
    outcome = relinkage("run", desk / "plan.toml", "--out", desk / "run")
    assert [line.split(", line ")[2].split(":")[0] for line in outcome.err.splitlines()] == ["2", "4"]
    assert "did you mean targeted" in refused(desk, "run", "targetd", "--out", desk / "run")


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arrays")
    rng = np.random.default_rng(0)
    images = rng.normal(size=(300, 16)).astype(np.float32)
    np.save(folder / "images.npy", images)
    np.save(folder / "reports.npy", images + 2 * rng.normal(size=images.shape).astype(np.float32))
    np.save(folder / "others.npy", rng.normal(size=images.shape).astype(np.float32))
    ids = [f"p{row}" for row in range(300)]
    pl.DataFrame({"pair_id": ids, "patient_id": ids}).write_csv(folder / "pairs.csv")
    return folder


def scenario(arrays, name, out, reports="reports"):
    given = ["--images", arrays / "images.npy", "--reports", arrays / f"{reports}.npy"]
    given += ["--pairs", arrays / "pairs.csv"]
    given += ["--split-by", "patient_id"] if name.startswith(("publish", "share-emb")) else []
    return done("run", name, *given, "--out", out)


@pytest.mark.parametrize("name", ["share-images", pytest.param("targeted", marks=pytest.mark.slow)])
def test_a_scenario_says_how_many_patients_are_linked_and_what_it_does_not_say(arrays, tmp_path, name):
    headline, unsaid = scenario(arrays, name, tmp_path / "run").out.splitlines()
    candidate = "image" if name == "targeted" else "report"
    tried = len(WITHOUT_PAIRS)
    assert headline.startswith(
        f"With 300 {candidate}s in hand, the strongest of the {tried} attackers tried ranks the right"
    )
    assert "of these 300 patients" in headline
    assert unsaid.startswith("It does not say ")
    assert "Nor does it say " in unsaid
    found = json.loads((tmp_path / "run/plan.json").read_text())["finding"]
    runs = [json.loads(path.read_text()) for path in (tmp_path / "run/stages/attack").glob("*/audit.json")]
    linked = [
        row["patients_found"] for run in runs for row in run["closed_set"] if row["full"] and row["k"] == 1
    ]
    assert found["linked"] == pytest.approx(max(linked))


@pytest.mark.slow
def test_a_scenario_that_finds_nothing_says_so(arrays, tmp_path):
    headline = scenario(arrays, "share-images", tmp_path / "run", "others").out.splitlines()[0]
    none = f"none of the {len(WITHOUT_PAIRS)} attackers tried"
    assert headline.startswith(f"No linkage found. With 300 reports in hand, {none}")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["publish-model", "share-embeddings"])
def test_scenarios_with_known_pairs_try_every_attacker(arrays, tmp_path, name):
    headline = scenario(arrays, name, tmp_path / "run").out.splitlines()[0]
    families = [load_attacker(attacker) for attacker in ATTACKERS]
    twice = [family for family in families if family.needs_pairs or family.uses_pairs]
    tried = len(families) + (len(twice) if name == "publish-model" else 0)
    assert f"of the {tried} attackers tried" in headline


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_without_vectors_says_what_to_give(tmp_path, name):
    outcome = relinkage("run", name, "--out", tmp_path / "run")
    assert outcome.status == 2
    assert all("Nothing is given to look at" in line for line in outcome.err.splitlines())
    assert not (tmp_path / "run").exists()


def test_every_command_of_a_plan_has_one_output():
    for name, suffix in VERBS.items():
        fields = [
            field for record in _verb(name, suffix).records.values() for field in record.__struct_fields__
        ]
        assert fields.count("out") == 1


@pytest.mark.slow
def test_a_plan_that_is_killed_at_ten_points_ends_with_the_same_bytes(desk):
    line = ["run", desk / "plan.toml", "--out", desk / "whole/run"]
    done(*line)
    whole = everything(desk / "whole")
    points = random.Random(0)
    for number in range(10):
        out = desk / f"killed-{number}"
        code = KILLED.format(
            step=points.randrange(1, 400), place=str(out),
            line=["relinkage", "run", str(desk / "plan.toml"), "--out", str(out / "run")],
        )  # fmt: skip
        ended = warm.run([sys.executable, "-c", code])
        assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
        done("run", desk / "plan.toml", "--out", out / "run")
        assert everything(out) == whole
        shutil.rmtree(out)
