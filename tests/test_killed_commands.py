"""A command that is stopped at any step leaves what was there or what was asked for, and no rubbish."""

import shutil
import signal
import subprocess
import sys

import pytest

import warm
from calling import done
from every_command import lines

pytestmark = pytest.mark.slow

STOPPED = """
import os, sys
changes, step, numbers = [], {step}, {numbers}
def watch(event, given):
    writes = event == "open" and str(given[1])[:1] in ("w", "a", "x") and {place!r} in str(given[0])
    if writes or event in ("os.mkdir", "os.chmod", "os.rename", "os.remove", "os.rmdir"):
        changes.append(event)
        if len(changes) == step:
            for number in numbers:
                os.kill(os.getpid(), number)
sys.addaudithook(watch)
sys.argv = {line!r}
from relinkage.__main__ import run
run()
"""
IMPORTING = """
import os, signal, sys
seen, stopped = [], {step}
def watch(event, given):
    if event == "import" and (seen or given[0] == "relinkage.cli"):
        seen.append(event)
        if len(seen) == stopped:
            os.kill(os.getpid(), signal.SIGINT)
sys.addaudithook(watch)
sys.argv = {line!r}
from relinkage.__main__ import run
run()
"""
ONES = {
    "SIGINT": [signal.SIGINT],
    "SIGTERM": [signal.SIGTERM],
    "SIGKILL": [signal.SIGKILL],
    "Ctrl-C three times": [signal.SIGINT] * 3,
}
SEEDS = {"audit": ("--seed", 1), "align": ("--seed", 1), "map": ("--seed", 1), "retrieve": ("--top", 3),
    "page": (), "cohort": ("--split", "random"), "heads": (), "compare": ()}  # fmt: skip
"""What makes each command write something else, for the folder that is there before."""
EVERY = {
    "cohort": 3,
    "heads": 5,
    "retrieve": 9,
    "align": 47,
    "page": 11,
    "compare": 53,
    "map": 67,
    "audit": 263,
}
"""Commands are stopped at one step in so many: all steps of all would take a quarter of an hour."""
STOPS = [
    *((name, "SIGKILL") for name in SEEDS),
    *(("cohort", how) for how in ONES if how != "SIGKILL"),
    ("retrieve", "SIGINT"), ("page", "SIGTERM"),
]  # fmt: skip


def everything(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("name", "how"), STOPS)
def test_a_command_that_is_stopped_leaves_the_old_or_the_new(room, tmp_path, name, how):
    target, old, new = (tmp_path / part for part in ("target", "old", "new"))
    for folder, more in ((old, SEEDS[name]), (new, ())):
        folder.mkdir()
        done(*lines(room, folder / "out")[name], *more)
    wanted = everything(new)
    ends, line = set(), [str(part) for part in lines(room, target / "out")[name]]
    for step in range(1, 2000, EVERY[name]):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(old, target)
        code = STOPPED.format(
            step=step, numbers=[int(n) for n in ONES[how]], place=str(target), line=["relinkage", *line]
        )
        ended = warm.run([sys.executable, "-c", code])
        ends.add(ended.returncode)
        assert "Traceback" not in ended.stderr, ended.stderr
        left = {file: content for file, content in everything(target).items() if not file.startswith(".")}
        assert left in (everything(old), wanted)
        if ended.returncode == 0:
            break
        assert ended.returncode == (-signal.SIGKILL if how == "SIGKILL" else 130), ended.stderr
        if how != "SIGKILL":
            assert ended.stderr.count("relinkage: Interrupted") == 1
            assert names(target) == names(old)
        elif step % 2:  # the next command clears what the dead one left
            done(*line)
            assert everything(target) == wanted
            assert names(target) == names(new)
    assert len(ends) == 2  # it was stopped, and it was not


@pytest.mark.parametrize("step", [1, 30, 300, 1000])
def test_an_interrupt_while_python_imports_prints_a_sentence(room, tmp_path, step):
    line = ["relinkage", *map(str, lines(room, tmp_path / "out")["audit"])]
    code = IMPORTING.format(step=step, line=line)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (130, "")
    sentence = ended.stderr.removeprefix("\n")  # click breaks the line after ^C
    assert sentence.startswith("relinkage: Interrupted")
    assert sentence.count("\n") == 1
    assert not (tmp_path / "out").exists()
