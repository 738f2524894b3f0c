"""Running a plan: what is done is not done again, and what changed runs with all that reads from it."""

import os

import pytest

from plans import toy_verbs
from plans.toy_verbs import PLAN, plan
from relinkage.errors import InputError
from relinkage.files import write_json
from relinkage.plans import fingerprints, run_plan
from relinkage.plans.fingerprints import Digests
from relinkage.plans.result import PLAN as RESULT
from relinkage.plans.result import RunResult
from relinkage.records import read_record


@pytest.fixture
def desk(tmp_path):
    write(tmp_path / "source.txt", "a")
    return tmp_path


def write(path, text):
    """Write a file as if some time ago."""
    path.write_text(text)
    os.utime(path, ns=(hash(text) % 10**15, hash(text) % 10**15))


def ran(desk, text=PLAN, out="run"):
    """Run a plan; give the stages that ran."""
    toy_verbs.RAN.clear()
    run_plan(plan(desk, text, out), lambda plan: None)
    return list(toy_verbs.RAN)


def everything(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def test_a_second_run_does_nothing_and_leaves_all_as_it_was(desk):
    assert ran(desk) == ["one", "two", "sum.json"]
    before = {path: path.stat().st_mtime_ns for path in (desk / "run").rglob("*") if path.name[0] != "."}
    assert ran(desk) == []
    assert before == {
        path: path.stat().st_mtime_ns for path in (desk / "run").rglob("*") if path.name[0] != "."
    }


def test_changed_settings_run_what_they_touch(desk):
    ran(desk)
    assert ran(desk, PLAN.replace("value = 1", "value = 3")) == ["one", "sum.json"]
    assert ran(desk, PLAN.replace("value = 1", "value = 3") + "limit = 1") == ["sum.json"]


def test_a_changed_input_runs_what_reads_it(desk):
    ran(desk)
    write(desk / "source.txt", "b")
    assert ran(desk) == ["two", "sum.json"]
    os.utime(desk / "source.txt", ns=(5, 5))  # the same content at another time
    assert ran(desk) == []


def test_changed_code_runs_everything(desk, monkeypatch):
    ran(desk)
    monkeypatch.setattr(fingerprints, "code_version", lambda: "other")
    assert ran(desk) == ["one", "two", "sum.json"]


@pytest.mark.parametrize("lost", ["one/number.json", "one.stage.json", "one"])
def test_what_is_lost_is_made_again(desk, lost):
    ran(desk)
    whole, path = everything(desk / "run"), desk / "run/stages" / lost
    if path.is_dir():
        (path / "number.json").unlink()
        path.rmdir()
    else:
        path.unlink()
    assert ran(desk) == ["one"]  # with the same bytes, so what reads from it holds
    assert everything(desk / "run") == whole


def test_what_is_made_anew_with_other_content_is_read_again(desk):
    """As heads of private training are, whose coins nobody keeps."""
    ran(desk)
    (desk / "run/stages/two.stage.json").unlink()
    toy_verbs.COINS.append("heads")
    try:
        assert ran(desk) == ["two", "sum.json"]
    finally:
        toy_verbs.COINS.clear()


def test_stages_that_the_plan_no_longer_has_are_removed_and_nothing_else(desk):
    ran(desk)
    (desk / "run/stages/notes.txt").write_text("mine")
    fewer = PLAN.split("[stage.sum]")[0]
    assert ran(desk, fewer) == []
    assert sorted(path.name for path in (desk / "run/stages").iterdir()) == [
        "notes.txt", "one", "one.stage.json", "two", "two.stage.json",
    ]  # fmt: skip
    ran(desk, fewer, out="fresh")
    (desk / "run/stages/notes.txt").unlink()
    assert everything(desk / "run") == everything(desk / "fresh")


def test_a_mark_cannot_name_what_lies_elsewhere(desk):
    ran(desk)
    (desk / "precious").mkdir()
    mark = desk / "run/stages/one.stage.json"
    forged = (
        mark.read_text()
        .replace('"output": "one"', '"output": "../../precious"')
        .replace('"name": "one"', '"name": "gone"')
    )
    (desk / "run/stages/gone.stage.json").write_text(forged)
    ran(desk, PLAN.replace("value = 1", "value = 4"))
    assert (desk / "precious").is_dir()


def test_a_refusal_names_the_stage_and_keeps_those_before_it(desk):
    with pytest.raises(InputError, match="Stage two: value 9 is too much"):
        ran(desk, PLAN.replace("value = 2", "value = 9"))
    told = read_record(desk / "run" / RESULT, RunResult, "", "")
    assert not told.finished
    assert ran(desk) == ["two", "sum.json"]
    assert read_record(desk / "run" / RESULT, RunResult, "", "").finished


def test_a_check_that_does_not_pass_is_a_status_and_stays_one(desk):
    text = PLAN + "limit = 1"
    for _ in range(2):
        result, _ = run_plan(plan(desk, text), lambda plan: None)
        assert [stage.status for stage in result.stages] == [0, 0, 1]


def test_a_folder_with_other_things_is_left_alone(desk):
    (desk / "run").mkdir()
    (desk / "run/thesis.txt").write_text("x")
    with pytest.raises(InputError, match="did not write"):
        ran(desk)
    assert [path.name for path in (desk / "run").iterdir()] == ["thesis.txt"]


class TestDigests:
    def test_a_file_is_read_once_as_long_as_it_does_not_change(self, tmp_path, monkeypatch):
        write(tmp_path / "a", "a")
        first = Digests(tmp_path / "kept.json")
        digest = first.of(tmp_path / "a")
        first.keep()
        monkeypatch.setattr(fingerprints.hashlib, "file_digest", lambda *_: pytest.fail("it was read"))
        assert Digests(tmp_path / "kept.json").of(tmp_path / "a") == digest

    def test_a_file_that_changed_just_now_is_not_taken_as_known(self, tmp_path):
        (tmp_path / "a").write_text("a")
        first = Digests(tmp_path / "kept.json")
        digest, state = first.of(tmp_path / "a"), (tmp_path / "a").stat()
        first.keep()
        (tmp_path / "a").write_text("b")
        os.utime(tmp_path / "a", ns=(state.st_atime_ns, state.st_mtime_ns))
        assert Digests(tmp_path / "kept.json").of(tmp_path / "a") != digest

    def test_a_folder_is_what_its_files_and_their_names_are(self, tmp_path):
        (tmp_path / "folder").mkdir()
        write(tmp_path / "folder/a", "a")
        digests = Digests(tmp_path / "kept.json")
        before = digests.of(tmp_path / "folder")
        (tmp_path / "folder/a").rename(tmp_path / "folder/b")
        assert digests.of(tmp_path / "folder") != before

    @pytest.mark.parametrize("content", ["{", "[]", '{"x": 1}', "null"])
    def test_damaged_notes_are_no_harm(self, tmp_path, content):
        write(tmp_path / "a", "a")
        (tmp_path / "kept.json").write_text(content)
        assert Digests(tmp_path / "kept.json").of(tmp_path / "a").startswith("sha256:")


def test_a_damaged_mark_is_no_mark(desk):
    ran(desk)
    write_json(desk / "run/stages/one.stage.json", {"schema": "relinkage.stage/1"})
    assert ran(desk) == ["one"]
