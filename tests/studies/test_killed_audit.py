"""An audit that was killed goes on where it stopped, and nobody sees it from the result."""

import signal
import sys
import textwrap

import numpy as np
import polars as pl
import pytest

import warm
from calling import relinkage
from relinkage.linkage.engines import Portable, blocks

ROWS = 300
COUNT = Portable.count
CUT = """
    from relinkage.linkage.engines import blocks
    blocks._WHOLE_TILES = blocks._MOST_ROWS = 100
"""
KILLED = """
    import os, signal, sys
    from relinkage.linkage.engines import Portable
    count, asked = Portable.count, []
    def counted(self, question, *, threads=None):
        if len(asked) == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        asked.append(1)
        return count(self, question, threads=threads)
    Portable.count = counted
    from relinkage.cli import main
    main()
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(ROWS, 8)).astype(np.float16)
    reports = (images + 2 * rng.normal(size=images.shape)).astype(np.float16)
    reports[:40] = reports[0]
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "reports.npy", reports)
    ids = {"pair_id": [str(row) for row in range(ROWS)], "patient_id": [str(row // 2) for row in range(ROWS)]}
    pl.DataFrame(ids).write_csv(tmp_path / "pairs.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(blocks, "_WHOLE_TILES", 100)
    monkeypatch.setattr(blocks, "_MOST_ROWS", 100)
    return tmp_path


def audit(out, *more):
    arrays = ["--images", "images.npy", "--reports", "reports.npy", "--pairs", "pairs.csv"]
    return [
        "audit",
        *arrays,
        "--direction",
        "both",
        "--replicates",
        "100",
        "--engine",
        "cpu",
        "--out",
        out,
        *more,
    ]


def everything(run):
    return {path.relative_to(run): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def counted(monkeypatch, most=10**9):
    """Counts the blocks that are worked out from here on; the run is interrupted after so many."""
    asked = []

    def counting(self, question, *, threads=None):
        if len(asked) == most:
            raise KeyboardInterrupt
        asked.append(len(question.rows))
        return COUNT(self, question, threads=threads)

    monkeypatch.setattr(Portable, "count", counting)
    return asked


@pytest.mark.slow
def test_a_killed_run_resumes_after_its_last_finished_block_with_the_same_bytes(folder, monkeypatch):
    line = audit("killed")
    script = textwrap.dedent(CUT) + textwrap.dedent(KILLED)
    dead = warm.run([sys.executable, "-c", script, *line])
    assert dead.returncode == -signal.SIGKILL, dead.stderr
    assert sorted(path.name for path in folder.iterdir() if "killed" in path.name) == [".killed.partial"]

    asked = counted(monkeypatch)
    whole = relinkage(*audit("whole"))
    assert whole.status == 0
    blocks_of_all, asked[:] = len(asked), []
    again = relinkage(*line)
    assert again.status == 0
    assert "killed: finished blocks of an earlier run with the same inputs are taken over." in again.err
    assert len(asked) == blocks_of_all - 4
    assert everything(folder / "killed") == everything(folder / "whole")
    assert not list(folder.glob(".*partial*"))


@pytest.mark.slow
def test_what_was_begun_with_other_choices_is_not_taken_over(folder, monkeypatch):
    asked = counted(monkeypatch, most=4)
    assert relinkage(*audit("run")).status == 130
    assert (folder / ".run.partial").is_dir()
    assert len(asked) == 4

    asked = counted(monkeypatch)
    other = relinkage(*audit("run", "--seed", "1"))
    assert other.status == 0
    assert "run: an earlier run had other inputs or choices; what it began is removed." in other.err
    assert asked.count(100) >= 9  # three strips of rows by three of columns
    assert not (folder / ".run.partial").exists()
