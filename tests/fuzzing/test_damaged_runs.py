"""A damaged run is refused in one sentence, or read for what it is: no command comes to an unexpected end."""

import json
import re
import shutil

import numpy as np
import pytest
from damaging import damaged

from calling import done, relinkage
from desk import SECRETS

CASES, PAGES = 60, 5


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of the same small cohort, with every table that an audit can have."""
    folder = tmp_path_factory.mktemp("runs")
    random = np.random.default_rng(0)
    images = random.normal(size=(40, 6))
    np.save(folder / "images.npy", images)
    rows = range(40)
    lines = [f"{row},{row},petra-{row // 2},{row % 2},{'PA' if row % 3 else 'AP'},{row}" for row in rows]
    table = "\n".join(["pair_id,candidate,patient_id,Edema,view,report_hash", *lines])
    (folder / "pairs.csv").write_text(table)
    for name in ("before", "after"):
        np.save(folder / "reports.npy", images + random.normal(size=images.shape))
        done(
            "audit", "--images", folder / "images.npy", "--reports", folder / "reports.npy",
            "--pairs", folder / "pairs.csv", "--out", folder / name, "--replicates", 100, "--pool", "5,full",
            "--hard-negatives", "labels", "--open-set", "0.3", "--patient-level",
        )  # fmt: skip
    return folder


def read_or_refused(folder, told, *arguments):
    outcome = relinkage(*arguments)
    assert outcome.status in (0, 2), f"{told}: {outcome}"
    if outcome.status == 2:
        assert re.fullmatch(r"relinkage: \S[^\n]*\.\n", outcome.err), told
        assert outcome.out == ""
    assert not SECRETS.search(outcome.err), told
    return outcome.status == 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_audit(runs, seed, tmp_path, monkeypatch):
    """The page of a run that is read all the same is made a few times only: it takes long."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(runs / "after", tmp_path / "damaged")
    whole = json.loads((runs / "after" / "audit.json").read_text())
    random = np.random.default_rng(seed)
    drawn, refused = 0, 0
    for _ in range(CASES):
        text, told = damaged(whole, random)
        (tmp_path / "damaged" / "audit.json").write_text(text)
        read = read_or_refused(tmp_path, told, "compare", "damaged", runs / "before")
        refused += not read
        if not read or drawn < PAGES:
            drawn += read
            read_or_refused(tmp_path, told, "report", "damaged", "--out", "page.html")
    assert refused > CASES / 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_audit_stands_where_another_is_to_be_written(runs, seed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = json.loads((runs / "after" / "audit.json").read_text())
    random = np.random.default_rng(100 + seed)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "null.npy").write_text("no array")  # so that nothing is replaced
    for _ in range(CASES):
        text, told = damaged(whole, random)
        (tmp_path / "damaged" / "audit.json").write_text(text)
        line = ("audit", "--images", "null.npy", "--reports", runs / "reports.npy", "--out", "damaged")
        assert not read_or_refused(tmp_path, told, *line)
        assert (tmp_path / "damaged" / "audit.json").read_text() == text
