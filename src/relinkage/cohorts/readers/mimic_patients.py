"""Sex and age of MIMIC's patients, out of MIMIC-IV's table of patients."""

from pathlib import Path

import polars as pl

from relinkage.cohorts.readers.columns import as_id, as_sex, read_columns
from relinkage.cohorts.readers.protocol import Found


def with_patients(table: pl.DataFrame, path: Path | None, found: Found) -> pl.DataFrame:
    """Add `sex` and `age` to images with `subject_id` and, for the age, `StudyDate`.

    Args:
        table: a row per image.
        path: `patients.csv(.gz)`; None leaves the table as it is.
        found: counts and notes are added here.

    Raises:
        InputError: the file cannot be read, or lacks a column.
    """
    if path is None:
        return table
    patients = read_columns(path, ["subject_id", "gender"], ["anchor_age", "anchor_year"])
    ages = {"anchor_age", "anchor_year"} <= set(patients.columns)
    patients = patients.with_columns(as_id("subject_id"), as_sex("gender")).drop_nulls("subject_id")
    patients = patients.drop("gender").unique("subject_id", keep="first", maintain_order=True)
    table = table.join(patients, on="subject_id", how="left", maintain_order="left")
    found.read["patients of MIMIC-IV"] = len(patients)
    if not ages or "StudyDate" not in table.columns:
        found.notes.append("Ages are not known: they need anchor_age, anchor_year and StudyDate.")
        return table.drop("anchor_age", "anchor_year", strict=False)
    number = {name: pl.col(name).cast(pl.Float64, strict=False) for name in ("anchor_age", "anchor_year")}
    year = pl.col("StudyDate").str.strip_chars().str.slice(0, 4).cast(pl.Float64, strict=False)
    age = number["anchor_age"] + year - number["anchor_year"]
    return table.with_columns(age=pl.when(age.is_between(0, 150)).then(age)).drop("anchor_age", "anchor_year")
