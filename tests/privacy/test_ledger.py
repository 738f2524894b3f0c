"""The ledger beside embeddings: every private training is entered, and nobody else reads it."""

import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

import warm
from encoders.trained.sketched import CONTROL, HARDENED, STATEMENT
from relinkage.errors import InputError
from relinkage.privacy.ledger import Ledger, enter, read_ledger


def stating(split="train", **choices):
    """What `enter` looks at."""
    return SimpleNamespace(privacy=replace(STATEMENT, **choices), train_split=split)


def test_trainings_on_a_split_add_up(tmp_path, capsys):
    for made in (
        stating(epsilon=0.25, delta=1e-6),
        stating(epsilon=0.5, delta=2e-6),
        stating("other", epsilon=4.0),
        stating(epsilon=8.0, kind="nominal"),
    ):
        enter(tmp_path, made)
    ledger = read_ledger(tmp_path)
    assert ledger.spent("train") == (0.75, pytest.approx(3e-6))
    assert ledger.spent("other")[0] == 4.0
    assert ledger.spent("none") == (0, 0)
    assert len(ledger.entries) == 4
    assert {entry.heads for entry in ledger.entries} == {STATEMENT.heads}
    said = capsys.readouterr().err.splitlines()[-1]
    assert "spent on the split train in all, if all heads are released: (0.75, 3e-06) by 2 proven" in said
    assert said.endswith("trainings, and without a bound by 1 others.")


def test_only_its_owner_reads_it(tmp_path):
    enter(tmp_path, HARDENED)
    assert stat.S_IMODE((tmp_path / "ledger.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.json"]


ENTERING = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import warm
from encoders.trained.sketched import HARDENED
from relinkage.privacy.ledger import enter
for _ in range(25):
    enter(Path(sys.argv[1]), HARDENED)
"""


def test_two_processes_at_once_lose_no_entry(tmp_path):
    tests = Path(__file__).parent.parent
    running = [warm.start([sys.executable, "-c", ENTERING, tmp_path, tests]) for _ in range(2)]
    for process in running:
        process.join()
    assert [process.exitcode for process in running] == [0, 0]
    assert len(read_ledger(tmp_path).entries) == 50
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.json"]


def test_a_ledger_that_cannot_be_written_leaves_nothing_half_written(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError, match=r"The heads were written, and .* could not be \(No space left"):
        enter(tmp_path, HARDENED)
    assert not list(tmp_path.iterdir())


def test_a_control_without_noise_is_no_entry_and_nothing_is_an_empty_ledger(tmp_path):
    enter(tmp_path, CONTROL)
    assert read_ledger(tmp_path) == Ledger()


def test_a_damaged_ledger_is_refused_and_not_written_over(tmp_path):
    (tmp_path / "ledger.json").write_text("{")
    for use in (read_ledger, lambda folder: enter(folder, HARDENED)):
        with pytest.raises(InputError, match=r"ledger\.json is not JSON, or was cut short"):
            use(tmp_path)
    assert (tmp_path / "ledger.json").read_text() == "{"
