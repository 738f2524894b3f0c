"""What the commands print, write and give back, on two arrays of one's own."""

import json
import runpy
from unittest.mock import patch

import jsonschema
import numpy as np
import polars as pl
import pytest

from calling import done
from relinkage import __version__
from relinkage.cli import cli
from relinkage.linkage.result import AuditResult
from relinkage.linkage.table import read_tables
from relinkage.records import json_schema

ROWS = 40
AUDIT = ("audit", "--images", "images.npy", "--reports", "reports.npy")
IDS = [f"pair-{row}" for row in range(ROWS)]


@pytest.fixture(autouse=True)
def arrays(tmp_path, monkeypatch):
    """Put images, their reports and a table of pairs, two to a patient, where the commands run."""
    random = np.random.default_rng(0)
    images = random.normal(size=(ROWS, 8)).astype(np.float32)
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "reports.npy", images + random.normal(size=images.shape).astype(np.float32))
    pairs = {"pair_id": IDS, "patient_id": [f"patient-{row // 2}" for row in range(ROWS)]}
    pl.DataFrame(pairs).write_csv(tmp_path / "pairs.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def audited(*options):
    """Run an audit of the arrays and give the JSON that it prints."""
    return json.loads(done(*AUDIT, *options, "--json").out)


def test_json_stands_alone_on_stdout_and_equals_the_file(arrays):
    outcome = done(*AUDIT, "--pairs", "pairs.csv", "--direction", "both", "--out", "run", "--json")
    jsonschema.Draft202012Validator(json_schema(AuditResult)).validate(json.loads(outcome.out))
    assert outcome.out == (arrays / "run/audit.json").read_text()


def test_notes_and_where_the_report_lies_go_to_stderr():
    outcome = done(*AUDIT, "--out", "run", "--pool", "10,500")
    table = outcome.out.split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in table] == [
        "Direction",
        *["image-to-report"] * 2,
    ]  # not K = 10 of N = 10
    assert outcome.err.splitlines() == [
        "Note: Patients are not known: every study counts as a patient of its own, and intervals are too "
        "narrow where patients repeat.",
        "Note: Pools of 500 are larger than the 40 eligible candidates and left out.",
        "The page is in run/page.html",
    ]


@pytest.mark.slow
def test_the_same_inputs_and_seed_give_the_same_bytes(arrays):
    for name in ("one", "two"):
        done(*AUDIT, "--pairs", "pairs.csv", "--seed", "7", "--out", name)
    assert (arrays / "one/audit.json").read_bytes() == (arrays / "two/audit.json").read_bytes()
    assert (arrays / "one/page.html").read_bytes() == (arrays / "two/page.html").read_bytes()
    other = done(*AUDIT, "--pairs", "pairs.csv", "--seed", "8", "--json").out
    assert (arrays / "one/audit.json").read_text() != other


@pytest.mark.slow
def test_a_run_holds_a_row_per_query_and_direction_and_what_people_read(arrays):
    done(*AUDIT, "--pairs", "pairs.csv", "--direction", "both", "--linkage", "--out", "run")
    run = arrays / "run"
    written = {path.name for path in run.iterdir()}
    assert written >= {"audit.json", "linkage.parquet", "page.html", "card.md", "figures"}
    assert [path.name for path in arrays.iterdir() if path.name.startswith(".")] == []
    tables = read_tables(run / "linkage.parquet")
    assert [table.direction for table in tables] == ["image-to-report", "report-to-image"]
    assert [table.pair_id.to_list() for table in tables] == [IDS, IDS]
    assert "<html" in (run / "page.html").read_text()
    assert (run / "card.md").read_text().startswith("---\n")
    assert {path.suffix for path in (run / "figures").iterdir()} == {".svg"}


@pytest.mark.slow
def test_the_linkage_table_explains_every_recall_at_the_full_pool(arrays):
    found = audited("--linkage", "--out", "run", "--pool", "full", "--k", "1,3,40")
    standing = read_tables(arrays / "run/linkage.parquet")[0].standings["all"]
    assert not standing.ties.any()
    for row in found["closed_set"]:
        assert row["recall"] == pytest.approx((standing.above < row["k"]).mean(), abs=1e-12)
    assert found["ranks"][0]["mean_rank"] == pytest.approx(1 + standing.above.mean())


def test_images_find_the_reports_that_the_table_names_and_no_others(arrays):
    images = np.load("images.npy")
    mates = np.random.default_rng(1).permutation(ROWS)
    reports = np.empty_like(images)
    reports[mates] = images
    np.save("reports.npy", reports)
    pl.DataFrame({"pair_id": IDS, "candidate": mates}).write_csv("pairs.csv")
    assert audited("--pairs", "pairs.csv", "--k", "1", "--pool", "full")["closed_set"][0]["recall"] == 1
    assert audited("--k", "1", "--pool", "full")["closed_set"][0]["recall"] <= 4 / ROWS


def test_pools_ranks_and_directions_are_those_that_were_asked_for():
    found = audited("--pool", "5,20,full", "--k", "1,10", "--direction", "both")
    cells = [(row["direction"], row["pool"], row["k"]) for row in found["closed_set"]]
    assert cells == [
        (direction, pool, k)
        for direction in ("image-to-report", "report-to-image")
        for pool, k in ((5, 1), (20, 1), (20, 10), (40, 1), (40, 10))
    ]
    assert all(row["chance"] == pytest.approx(row["k"] / row["pool"]) for row in found["closed_set"])
    assert "Left out, as K is larger than the pool: Recall@10 in pools of 5." in found["notes"]


@pytest.mark.slow
def test_the_patients_other_studies_leave_the_pool_when_asked(arrays):
    for distractors, eligible in (("all", ROWS), ("other-patients", ROWS - 1)):
        done(*AUDIT, "--pairs", "pairs.csv", "--distractors", distractors, "--linkage", "--out", "run")
        standing = read_tables(arrays / "run/linkage.parquet")[0].standings["all"]
        assert set(standing.eligible.tolist()) == {eligible}


def test_a_higher_level_gives_wider_intervals():
    narrow, wide = (
        audited("--pairs", "pairs.csv", "--interval", level)["closed_set"][0] for level in ("0.5", "0.99")
    )
    assert narrow["recall"] == wide["recall"]
    assert wide["low"] < narrow["low"] < narrow["recall"] < narrow["high"] < wide["high"]


@pytest.mark.slow
def test_an_earlier_run_is_replaced_as_a_whole_even_where_one_stands(arrays, monkeypatch):
    done(*AUDIT, "--name", "first", "--out", "run")
    (arrays / "run/figures/stray.svg").touch()
    monkeypatch.chdir(arrays / "run")
    line = ["audit", "--images", "../images.npy", "--reports", "../reports.npy"]
    done(*line, "--name", "second", "--out", ".")
    assert json.loads((arrays / "run/audit.json").read_text())["name"] == "second"
    assert not (arrays / "run/figures/stray.svg").exists()


@pytest.mark.slow
def test_several_runs_make_one_report(arrays):
    for name in ("first model", "second model"):
        done(*AUDIT, "--name", name, "--out", name)
    outcome = done("page", "first model", "second model", "--out", "both.html")
    assert (outcome.out, outcome.err) == ("", "The page is in both.html\n")
    page = (arrays / "both.html").read_text()
    assert page.count('class="run"') == 2
    assert all(name in page for name in ("first model", "second model"))


@pytest.mark.parametrize("command", [[], *([name] for name in cli.commands)])
def test_every_command_says_how_it_is_used(command):
    for option in ("--help", "-h"):
        outcome = done(*command, option)
        assert outcome.out.startswith(" ".join(["Usage: relinkage", *command]))
        assert outcome.err == ""


def test_the_package_runs_as_a_module_too():
    with patch("calling.main", lambda: runpy.run_module("relinkage", run_name="__main__")):
        assert done("--version").out == f"relinkage, version {__version__}\n"
