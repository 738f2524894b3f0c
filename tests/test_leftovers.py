"""What the dead left beside a path goes, what belongs to the living or to others stays."""

import os
import subprocess
import sys

import pytest

from relinkage.leftovers import exchange, temporary_beside, tidy


@pytest.fixture(scope="module")
def dead():
    """The number of a process that is no more."""
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as process:
        process.wait()
    return process.pid


def test_tidy_removes_what_the_dead_left_and_nothing_else(tmp_path, dead):
    path = tmp_path / "table.csv"
    mine = temporary_beside(path, ".csv")
    theirs = mine.with_name(mine.name.replace(str(os.getpid()), str(dead)))
    elsewhere = mine.with_name(f".table.csv.partial-another_machine-{dead}.csv")
    others = tmp_path / f".other.csv{theirs.name.removeprefix('.table.csv')}"
    odd = tmp_path / theirs.name.replace(str(dead), "x")
    huge = tmp_path / theirs.name.replace(str(dead), "9" * 40)
    for file in (mine, theirs, elsewhere, others, odd, huge, path):
        file.touch()
    tidy(path)
    assert set(tmp_path.iterdir()) == {mine, elsewhere, others, odd, path}


def test_tidy_puts_back_a_folder_that_was_moved_away_unless_another_is_there(tmp_path, dead):
    path = tmp_path / "run"
    mine = temporary_beside(path)
    moved = mine.with_name(f"{mine.name.replace(str(os.getpid()), str(dead))}-replaced")
    moved.mkdir()
    (moved / "figures").touch()
    tidy(path)
    assert [file.name for file in path.iterdir()] == ["figures"]
    moved.mkdir()
    tidy(path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux exchanges names")
def test_exchange_lets_folders_change_places_and_says_where_it_cannot(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    assert exchange(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a/b").exists()
    assert (tmp_path / "b/a").exists()
    assert not exchange(tmp_path / "a", tmp_path / "missing")
