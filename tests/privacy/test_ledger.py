"""The ledger beside embeddings: every private training is entered, and nobody else reads it."""

import stat
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

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


def test_a_control_without_noise_is_no_entry_and_nothing_is_an_empty_ledger(tmp_path):
    enter(tmp_path, CONTROL)
    assert read_ledger(tmp_path) == Ledger()


def test_a_damaged_ledger_is_refused_and_not_written_over(tmp_path):
    (tmp_path / "ledger.json").write_text("{")
    for use in (read_ledger, lambda folder: enter(folder, HARDENED)):
        with pytest.raises(InputError, match=r"ledger\.json is not JSON, or was cut short"):
            use(tmp_path)
    assert (tmp_path / "ledger.json").read_text() == "{"
