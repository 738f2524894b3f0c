"""Pseudonyms: ids that say nothing without the key, and figures that do not change."""

import numpy as np
import polars as pl
import pytest
from msgspec.structs import replace

from relinkage.errors import InputError
from relinkage.linkage import AuditSettings, Links, measure
from relinkage.pages import read_audit
from relinkage.studies import Audit, pseudonym_key

ROWS = 90


@pytest.fixture(scope="module")
def made():
    random = np.random.default_rng(0)
    reports = random.normal(size=(ROWS, 8))
    images = reports + random.normal(size=reports.shape)
    pairs = pl.DataFrame(
        {
            "pair_id": [f"study-{row}" for row in range(ROWS)],
            "patient_id": [str(row // 3) for row in range(ROWS)],
        }
    )
    links = Links.from_pairs(pairs, ROWS, ROWS, "pairs")
    measured = measure(images, reports, links, AuditSettings(direction="both", replicates=100))
    return Audit(measured.result, measured.tables)


def rows(audit, folder):
    return pl.read_parquet(audit.save(folder, linkage=True) / "linkage.parquet")


@pytest.mark.slow
def test_ids_are_gone_and_everything_else_is_there_in_another_order(made, tmp_path):
    before, after = rows(made, tmp_path / "a"), rows(made.pseudonymise(), tmp_path / "b")
    assert not set(before["pair_id"]) & set(after["pair_id"])
    assert after["pair_id"].n_unique() == ROWS
    measured = ["direction", "mate_score", "eligible", "above", "ties", "risk"]
    order = ["direction", "mate_score"]
    assert before.select(measured).sort(order).equals(after.select(measured).sort(order))
    assert before["mate_score"].to_list() != after["mate_score"].to_list()
    for folder in ("a", "b"):
        text = (tmp_path / folder / "audit.json").read_text()
        assert "study-1" not in text
    assert read_audit(tmp_path / "a").pseudonymised is False
    assert read_audit(tmp_path / "b") == replace(made.result, pseudonymised=True)


@pytest.mark.slow
def test_queries_of_a_patient_stay_together_under_another_number(made, tmp_path):
    before, after = rows(made, tmp_path / "a"), rows(made.pseudonymise(), tmp_path / "b")
    both = before.join(after, on=["direction", "mate_score"], suffix="_new")
    assert len(both) == 2 * ROWS
    assert both.group_by("patient").agg(pl.col("patient_new").n_unique())["patient_new"].to_list() == [1] * 30
    assert set(both["patient_new"]) == set(range(30))
    assert both["patient"].to_list() != both["patient_new"].to_list()
    assert (
        both.group_by("pair_id").agg(pl.col("pair_id_new").n_unique())["pair_id_new"].to_list() == [1] * ROWS
    )


def test_without_a_key_no_two_runs_share_an_id(made):
    first, second = (made.pseudonymise().tables[0].pair_id for _ in range(2))
    assert not set(first) & set(second)


@pytest.mark.slow
def test_with_a_key_ids_are_the_same_in_every_run(made, tmp_path):
    for name, byte in (("key", b"k"), ("other", b"o")):
        (tmp_path / name).write_bytes(byte * 32)
    folders = [
        made.pseudonymise(pseudonym_key(tmp_path / name)).save(tmp_path / f"run-{number}", linkage=True)
        for number, name in enumerate(("key", "key", "other"))
    ]
    first, second, other = ((folder / "linkage.parquet").read_bytes() for folder in folders)
    assert first == second
    assert first != other
    for folder in folders:
        assert b"k" * 32 not in b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())


def test_a_key_that_is_none_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        pseudonym_key(tmp_path / "missing")
    (tmp_path / "short").write_bytes(b"secret")
    with pytest.raises(InputError, match="holds 6 bytes, and a key needs 32"):
        pseudonym_key(tmp_path / "short")
