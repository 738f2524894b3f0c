import numpy as np
import polars as pl
import pytest
from PIL import Image
from sketch_encoder import REPORTS

from relinkage.cohorts import Cohort


@pytest.fixture
def make_cohort(tmp_path):
    """Give a function that writes images and makes a cohort of them: two pairs a patient, reports in turn."""

    def make(rows=11, *, unreadable=(), empty=(), **columns):
        root = tmp_path / "cohort"
        (root / "images").mkdir(parents=True, exist_ok=True)
        shades = np.random.default_rng(0).integers(0, 256, (rows, 32, 40), dtype=np.uint8)
        for row in range(rows):
            path = root / f"images/{row}.png"
            if row in unreadable:
                path.write_text("no pixels here")
            else:
                Image.fromarray(shades[row]).save(path)
        table = pl.DataFrame(
            {
                "pair_id": [f"pair-{row}" for row in range(rows)],
                "study_id": [f"study-{row}" for row in range(rows)],
                "patient_id": [f"patient-{row // 2}" for row in range(rows)],
                "image": [f"images/{row}.png" for row in range(rows)],
                "report": ["" if row in empty else REPORTS[row % len(REPORTS)] for row in range(rows)],
                "view": ["PA" if row % 3 else "AP" for row in range(rows)],
                "age": [40 + row for row in range(rows)],
                "Edema": [(1, 0, -1, None)[row % 4] for row in range(rows)],
                **columns,
            }
        )
        return Cohort.from_table(table, root, "sketches")

    return make


@pytest.fixture
def trusted(monkeypatch):
    """Leave out that the pass tries the encoder first, so that calls of the encoder can be counted."""
    monkeypatch.setattr("relinkage.embeddings.encoding.check_alone", lambda *_: None)


@pytest.fixture
def contents():
    """Give a function that reads every file of a folder."""
    return lambda folder: {path.name: path.read_bytes() for path in folder.iterdir()}
