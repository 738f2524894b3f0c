"""Compiled loops run whether or not they can be kept for the next process."""

import sys
import textwrap

import pytest

import warm

LOOP = textwrap.dedent(
    """
    from relinkage.compiled import compiled

    @compiled
    def sum_to(n):
        total = 0
        for i in range(n + 1):
            total += i
        return total
    """
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where a module with a compiled loop lies; numba may keep loops in its folder `kept`."""
    (tmp_path / "loop.py").write_text(LOOP)
    (tmp_path / "kept").mkdir()
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "kept"))
    return tmp_path


def counted(folder, before=""):
    """What a process of its own prints that calls the loop, once it has done something else."""
    code = (
        f"import numba; numba.config.reload_config()\n{before}\nimport loop; print(loop.sum_to(100), end='')"
    )
    done = warm.run([sys.executable, "-c", code], cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_loop_is_kept(folder):
    assert counted(folder) == "5050"
    kept = {file: file.read_bytes() for file in (folder / "kept").rglob("*.nb*")}
    assert kept
    assert counted(folder) == "5050"
    assert {file: file.read_bytes() for file in (folder / "kept").rglob("*.nb*")} == kept


@pytest.mark.parametrize("before", [
    "import os; os.rmdir('kept'); [open(name, 'w').close() for name in ('kept', '__pycache__')]",
    "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))",
], ids=["no folder", "a full disk"])  # fmt: skip
def test_a_loop_that_cannot_be_kept_runs(folder, before):
    assert counted(folder, before) == "5050"
    assert [file for file in folder.rglob("*") if file.suffix in (".nbi", ".nbc")] == []


def test_a_loop_whose_file_is_damaged_is_compiled_again(folder):
    counted(folder)
    for file in (folder / "kept").rglob("*.nb*"):
        file.write_bytes(file.read_bytes()[:40])
    assert counted(folder) == "5050"
