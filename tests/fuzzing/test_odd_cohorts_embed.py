"""Odd reports and damaged images through `relinkage embed`: done, or refused with nothing left behind."""

import os
import shutil
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest

from calling import relinkage
from embeddings.sketch_encoder import SketchEncoder
from fuzzing.mutating import ODD_TEXTS, chance, damaged, odd_text
from images.containers import image_table, png, write_stream, write_tar
from images.dicom_files import dicom
from relinkage.cohorts.readers import read
from relinkage.embeddings import read_embeddings

pytestmark = pytest.mark.slow

ROWS, CASES = 8, 300
SHADES = np.random.default_rng(0).integers(0, 256, (ROWS, 32, 40), dtype=np.uint8)
PNGS = [png(shades) for shades in SHADES]
SECRETS = ("Spiculated", "Petra")


def lay(folder, random, case):
    """Write a cohort: some reports are odd, some images damaged, some references lead astray."""
    contents = list(PNGS)
    for row in np.flatnonzero(random.random(ROWS) < 0.25):
        whole = dicom(SHADES[row]) if case % 100 == 0 else contents[row]  # DICOM starts a process
        contents[row] = damaged(random, whole)
    write_tar(folder / "s.tar", [(f"{row}.png", content) for row, content in enumerate(contents)])
    write_stream(folder / "s.arrow", [image_table(contents)])
    for row, content in enumerate(contents):
        (folder / f"{row}.png").write_bytes(content)
    kinds = ("{}.png", "s.tar::{}.png", "s.arrow::image/{}")
    images = [kinds[int(random.integers(0, 3))].format(row) for row in range(ROWS)]
    reports = [f"Spiculated mass number {row}." for row in range(ROWS)]
    reports[0] = ODD_TEXTS[case % len(ODD_TEXTS)]
    for row in np.flatnonzero(random.random(ROWS) < 0.3):
        reports[row] = odd_text(random)
    if case % 50 == 0:
        reports[1] = "word \u0301" * 150_000  # a megabyte
    if random.random() < 0.2:
        images[2] = odd_text(random)
    columns = {
        "pair_id": [f"pair-{row}" for row in range(ROWS)],
        "study_id": [f"study-{row}" for row in range(ROWS)],
        "patient_id": [f"Petra-{row // 2}" for row in range(ROWS)],
        "image": images,
        "report": reports,
        "view": ["PA"] * (ROWS - 1) + [odd_text(random) if random.random() < 0.2 else "AP"],
    }
    table = pl.DataFrame(columns)
    path = folder / ("cohort.csv" if case % 2 else "cohort.parquet")
    table.write_csv(path) if case % 2 else table.write_parquet(path)
    return path


@pytest.mark.parametrize("part", range(3))
def test_embed_is_done_or_refused_with_nothing_left_behind(tmp_path, monkeypatch, part):
    monkeypatch.setenv("RELINKAGE_DEBUG", "1")  # an unforeseen error then comes through as it is
    done = 0
    for case in range(part * CASES // 3, (part + 1) * CASES // 3):
        random = chance(21, case)
        folder, out = tmp_path / "cohort", tmp_path / "emb"
        folder.mkdir()
        arguments = ["embed", lay(folder, random, case), "--model", "sketch", "--out", out]
        arguments += ["--max-left-out", ["0.05", "0.5", "1"][case % 3]]
        arguments += ["--token-budget", "7"] if case % 5 == 0 else []
        with patch("relinkage.encoders.load_encoder", lambda *_, **__: SketchEncoder()):
            outcome = relinkage(*arguments)
        assert "Traceback" not in outcome.err, case
        assert not any(secret in outcome.err + outcome.out for secret in SECRETS), case
        if outcome.status == 0:
            done += 1
            made = read_embeddings(out)
            left_out = pl.read_csv(out / "left_out.csv")
            dropped = sum(read(arguments[1]).summary.dropped.values())
            assert len(made) + len(left_out) + dropped == ROWS, case
            assert not (out / "progress.json").exists(), case
            shutil.rmtree(out)
        else:
            assert outcome.status == 2, (case, outcome.err[-300:])
            assert outcome.err.splitlines()[-1].startswith("relinkage: "), case
            assert not out.exists(), case
        shutil.rmtree(folder)
        assert os.listdir(tmp_path) == [], case
    assert done > 20
