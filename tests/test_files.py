"""What is written is whole or absent, even where the process is killed."""

import os
import signal
import sys

import pytest

from relinkage.files import whole_folder, write_json


def write(path, number):
    with whole_folder(path, "marker.json", "test/1") as made:
        (made / "figures").mkdir()
        (made / "figures/one.txt").write_text(str(number))
        write_json(made / "marker.json", {"schema": "test/1"})
        (made / "last.txt").write_text(str(number))


def replace_and_die(path, step):
    """Replace a folder in a process that is killed just before its change number `step` on disk."""
    child = os.fork()
    if child == 0:
        changes = []

        def watch(event, _):
            if event in ("os.mkdir", "os.chmod", "os.rename", "os.remove", "os.rmdir"):
                changes.append(event)
                if len(changes) == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(watch)
            write(path, 2)
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_kill_while_a_folder_is_replaced_leaves_it_whole_or_absent(tmp_path):
    path = tmp_path / "run"
    found = set()
    for step in range(1, 40):
        write(path, 1)
        status = replace_and_die(path, step)
        assert status in (0, -signal.SIGKILL)
        if path.exists():
            assert sorted(inside.name for inside in path.iterdir()) == ["figures", "last.txt", "marker.json"]
            found.add(((path / "figures/one.txt").read_text(), (path / "last.txt").read_text()))
        write(path, 1)  # nothing stands in the way of the next run
        if status == 0:
            break
    assert status == 0
    assert found == {("1", "1"), ("2", "2")}


def test_a_folder_that_cannot_be_replaced_stays(tmp_path, monkeypatch):
    path = tmp_path / "run"
    write(path, 1)
    rename = os.replace

    def refuse(source, target):
        if target == path and (source / "last.txt").read_text() == "2":
            raise PermissionError("no")
        rename(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError):
        write(path, 2)
    assert (path / "last.txt").read_text() == "1"
    assert [left.name for left in tmp_path.iterdir()] == ["run"]
