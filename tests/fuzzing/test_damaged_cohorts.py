"""Cohort tables damaged in thousands of ways: a cohort or a sentence, never an unforeseen error."""

import gzip
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO

import polars as pl
import pytest

from fuzzing.mutating import ODD_TEXTS, chance, damaged, odd_text, outcomes
from relinkage.cohorts import read_cohort
from relinkage.errors import InputError

pytestmark = pytest.mark.slow

ROWS = 6
GOOD = {
    "pair_id": [f"pair-{row}" for row in range(ROWS)],
    "study_id": [f"{row:08}" for row in range(ROWS)],
    "patient_id": [f"Petra-{row // 2}" for row in range(ROWS)],
    "image": [f"scans/{row}.png" for row in range(ROWS)],
    "report": ["No acute finding.", 'Large, left-sided effusion;\n"new".', "", "Ödem", "x" * 300, "Normal."],
    "view": ["PA", "AP", None, "PA", "LATERAL", "AP"],
    "split": ["train", "train", "test", "test", "train", "train"],
    "age": ["61", "", "70.5", None, "0", "99"],
    "Edema": ["1", "0", "-1", None, "1.0", ""],
}


def in_bytes(table, name):
    file = BytesIO()
    table.write_parquet(file) if name.endswith("parquet") else table.write_csv(file)
    return gzip.compress(file.getvalue(), mtime=0) if name.endswith(".gz") else file.getvalue()


def reads(folder, name, make, cases):
    """Write and read a table a case; what is read keeps the cohort's promises."""

    def door(case):
        (folder / name).write_bytes(make(case))
        cohort = read_cohort(folder / name)
        assert len(cohort) == cohort.pairs["pair_id"].n_unique() > 0
        assert cohort.pairs["report"].null_count() == 0
        assert len(cohort.image_paths()) == len(cohort)
        assert cohort.fingerprint() != cohort.salt()

    return outcomes(cases, door, InputError)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
def test_tables_of_damaged_bytes(tmp_path, name, capfd):
    whole = in_bytes(pl.DataFrame(GOOD), name)
    cases = {"t.csv": 1500, "t.csv.gz": 300, "t.parquet": 1200}[name]
    assert reads(tmp_path, name, lambda case: damaged(chance(11, case), whole), cases)


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_tables_of_odd_cells(tmp_path, name):
    def make(case):
        random = chance(12, case)
        columns = {column: list(values) for column, values in GOOD.items()}
        for _ in range(int(random.integers(1, 5))):
            column = list(GOOD)[int(random.integers(0, len(GOOD)))]
            text = ODD_TEXTS[case] if case < len(ODD_TEXTS) else odd_text(random)
            columns[column][int(random.integers(0, ROWS))] = text
        table = pl.DataFrame(columns)
        if random.random() < 0.1:
            table = table.rename({list(GOOD)[int(random.integers(0, 9))]: odd_text(random)})
        return in_bytes(table, name)

    assert reads(tmp_path, name, make, 600)


ODD_COLUMNS = [
    pl.Series(range(ROWS)),
    pl.Series([1.5, float("nan"), float("inf"), -0.0, None, 1e308]),
    pl.Series([True, False, None] * 2),
    pl.Series([date(2026, 11, 23)] * ROWS),
    pl.Series([timedelta(days=3)] * ROWS),
    pl.Series([Decimal("1.10")] * ROWS),
    pl.Series([[1], [], None] * 2),
    pl.Series([{"a": 1}] * ROWS),
    pl.Series([b"\xff\0"] * ROWS),
    pl.Series(["a", "b"] * 3, dtype=pl.Categorical),
    pl.Series(["a", "b"] * 3, dtype=pl.Enum(["a", "b"])),
    pl.Series([None] * ROWS),
    pl.Series([None] * ROWS, dtype=pl.String),
    pl.Series([2**63 - 1, -(2**63)] * 3),
    pl.Series([2**64 - 1] * ROWS, dtype=pl.UInt64),
    pl.Series(["x" * 1_000_000] * ROWS),
]


def test_tables_of_odd_types(tmp_path):
    names = [*GOOD, "Pneumonia", "further", "split", "sex"]

    def make(case):
        random = chance(13, case)
        first, second = random.integers(0, len(names), 2)
        columns = {**GOOD, names[second]: ODD_COLUMNS[int(random.integers(0, len(ODD_COLUMNS)))]}
        columns[names[first]] = ODD_COLUMNS[case % len(ODD_COLUMNS)]
        return in_bytes(pl.DataFrame(columns), "t.parquet")

    assert reads(tmp_path, "t.parquet", make, 400)
