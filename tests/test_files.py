"""What is written is whole or absent, even where the process is killed."""

import errno
import os
import sys

import pytest

from dying import survives
from relinkage import files
from relinkage.errors import InputError
from relinkage.files import check_file, check_folder, whole_file, whole_folder, write_json
from relinkage.leftovers import temporary_beside


def write(path, number):
    with whole_folder(path, "marker.json", "test/1") as made:
        (made / "figures").mkdir()
        (made / "figures/one.txt").write_text(str(number))
        write_json(made / "marker.json", {"schema": "test/1"})
        (made / "last.txt").write_text(str(number))


def test_a_kill_while_a_folder_is_replaced_leaves_it_whole_or_absent(tmp_path):
    path = tmp_path / "run"
    found = set()
    for step in range(1, 40):
        write(path, 1)
        survived = survives(step, lambda: write(path, 2))
        assert path.exists() or sys.platform != "linux"  # where names change places in one step
        if path.exists():
            assert sorted(inside.name for inside in path.iterdir()) == ["figures", "last.txt", "marker.json"]
            found.add(((path / "figures/one.txt").read_text(), (path / "last.txt").read_text()))
        write(path, 1)  # nothing stands in the way of the next run, and it clears what the dead one left
        assert [left.name for left in tmp_path.iterdir()] == ["run"]
        if survived:
            break
    assert survived
    assert found == {("1", "1"), ("2", "2")}


def test_a_folder_that_cannot_be_replaced_stays(tmp_path, monkeypatch):
    path = tmp_path / "run"
    write(path, 1)
    rename = os.replace

    def refuse(source, target):
        if target == path and (source / "last.txt").read_text() == "2":
            raise PermissionError("no")
        rename(source, target)

    monkeypatch.setattr(files, "exchange", lambda first, second: False)
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError):
        write(path, 2)
    assert (path / "last.txt").read_text() == "1"
    assert [left.name for left in tmp_path.iterdir()] == ["run"]


def test_a_kill_where_names_cannot_change_places_leaves_it_whole_or_absent(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "exchange", lambda first, second: False)
    path = tmp_path / "run"
    for step in range(1, 40):
        write(path, 1)
        survived = survives(step, lambda: write(path, 2))
        if path.exists():
            assert (path / "figures/one.txt").read_text() == (path / "last.txt").read_text()
        files.tidy(path)
        assert path.exists()  # what the dead one had moved away is back
        assert [left.name for left in tmp_path.iterdir()] == ["run"]
        if survived:
            break
    assert survived


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_whole_file_has_the_mode_that_the_mask_leaves_a_new_one(tmp_path, mask):
    before = os.umask(mask)
    try:
        with whole_file(tmp_path / "a.txt") as temporary:
            assert not temporary.exists()
            temporary.touch(mode=0o600)
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_marker_that_is_nested_without_end_is_not_ours(tmp_path):
    (tmp_path / "marker.json").write_text('{"schema": ' + "[" * 100_000)
    with pytest.raises(InputError, match="holds files that relinkage did not write"):
        check_folder(tmp_path, "marker.json", "test/1")


def test_a_file_is_not_written_in_the_place_of_a_folder_or_below_a_file(tmp_path):
    (tmp_path / "letter").touch()
    check_file(tmp_path / "new/page.html")
    check_file(tmp_path / "letter")
    with pytest.raises(InputError, match="is a folder; name a file to write"):
        check_file(tmp_path)
    with pytest.raises(InputError, match="letter is a file; name a folder to write to"):
        check_file(tmp_path / "letter/page.html")


def test_whole_folder_puts_back_what_a_process_of_the_same_number_moved(tmp_path):
    out = tmp_path / "out"
    moved = temporary_beside(out).with_name(f"{temporary_beside(out).name}-replaced")
    moved.mkdir()
    (moved / "marker.json").write_text('{"schema": "ours/1"}')
    with pytest.raises(ZeroDivisionError), whole_folder(out, "marker.json", "ours/1"):
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (out / "marker.json").exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize(
    "whole", [whole_file, lambda path: whole_folder(path, "marker.json", "ours/1")], ids=["file", "folder"]
)
def test_a_full_disk_is_told_by_the_name_that_was_asked_for_and_leaves_nothing(tmp_path, whole, number):
    out = tmp_path / "new/deep/run"

    def fills_up():
        raise OSError(number, os.strerror(number))  # as `write` says it: without a name

    with pytest.raises(OSError, match=os.strerror(number)) as told, whole(out):
        fills_up()
    assert (told.value.errno, told.value.filename) == (number, str(out))
    with pytest.raises(FileNotFoundError) as told, whole(out) as temporary:
        (temporary / "missing/figure.svg").touch()
    assert told.value.filename == str(out)
    with pytest.raises(FileNotFoundError) as told, whole(out):
        (tmp_path / "input").read_bytes()  # another file keeps its name
    assert told.value.filename == str(tmp_path / "input")
    assert list(tmp_path.iterdir()) == []


def test_folders_that_were_there_stay_where_writing_fails(tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "there/new/a.txt"):
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]
