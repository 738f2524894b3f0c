"""A disk on which nothing more fits: a sentence, exit status 2, nothing left, whatever writes."""

import json
import sys
from pathlib import Path

import pytest

import warm
from calling import done
from every_command import lines, model_lines

pytestmark = pytest.mark.slow

LIMITED = """
import resource, sys
from relinkage import cli
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
sys.argv = {line!r}
cli.main()
"""
"""No file may be longer than 1,000 bytes, which writers are told like that a disk is full."""
NAMES = [name for name in lines(Path(), Path()) if not name.startswith(("embed", "cohort", "run"))]


def check_sentence(line, folder):
    """Run a command on such a disk; what it says fits."""
    ended = warm.run([sys.executable, "-c", LIMITED.format(line=["relinkage", *map(str, line)])])
    assert ended.returncode == 2, ended.stderr
    *_, sentence = ended.stderr.splitlines()
    assert sentence.startswith(f"relinkage: {folder}")
    assert "(File too large)" in sentence


def check(line, folder):
    """Check that it leaves nothing either."""
    check_sentence(line, folder)
    assert list(folder.iterdir()) == []


def test_a_plan_says_that_the_disk_is_full_and_goes_on_where_there_is_room(room, tmp_path):
    line = lines(room, tmp_path / "out")["run"]
    check_sentence(line, tmp_path)
    done(*line)
    assert json.loads((tmp_path / "out/plan.json").read_text())["finished"]


@pytest.mark.parametrize("name", NAMES)
def test_a_command_says_that_the_disk_is_full_and_leaves_nothing(room, tmp_path, name):
    check(lines(room, tmp_path / "deep/out")[name], tmp_path)


@pytest.mark.parametrize("name", model_lines(Path(), Path()))
def test_a_command_that_loads_a_model_does_too(room_with_model, tmp_path, name):
    check(model_lines(room_with_model, tmp_path / "deep/out")[name], tmp_path)
