"""What of a cohort may leave it: the rows of `pairs.parquet`, without report text and without image paths."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from relinkage.cohorts import Cohort
from relinkage.cohorts.text import report_hash
from relinkage.errors import InputError

IDS = ("pair_id", "study_id", "patient_id")
SCHEMA = ("split", "view", "sex", "age")
ADDED = ("report_hash", "report_words", "report_row", "truncated")
LONGEST = 40
"""Characters of the longest value that still passes for a category; longer ones may be sentences or paths."""


def check_columns(cohort: Cohort, keep: Sequence[str]) -> None:
    """Check that what is about to leave the cohort are ids and short categories.

    Ids, split, view, sex, age and labels leave; a further column only where it is named, because nothing
    tells a finding from a patient's name.

    Args:
        cohort: the cohort, with its split.
        keep: names of further columns that leave.

    Raises:
        InputError: a named column is missing or may never leave, a value is too long for a category, or a
            column has a name that `pairs.parquet` needs for itself.
    """
    for column in keep:
        if column not in cohort.pairs.columns:
            raise InputError(f"The cohort has no column {column} to keep; name one of its columns.")
        if column in ("image", "report"):
            raise InputError(f"The column {column} never leaves the cohort; name another to keep.")
    taken = [column for column in (*cohort.labels, *keep) if column in ADDED]
    if taken:
        raise InputError(f"The cohort's column {taken[0]} has a name that embeddings use; rename it.")
    for column in ("split", "view", "sex", *keep):
        if cohort.pairs.schema.get(column) != pl.String:
            continue
        long = cohort.pairs[column].str.len_chars() > LONGEST
        if long.any():
            raise InputError(
                f"The cohort's column {column} has a value of more than {LONGEST} characters at row "
                f"{int(long.arg_true()[0]) + 1}; only ids and short categories may leave the cohort."
            )


def distinct_reports(cohort: Cohort, rows: NDArray[np.intp], salt: str) -> tuple[list[str], pl.DataFrame]:
    """Find the distinct reports among some rows.

    Reports that differ only in case, white space or Unicode form are one report, as it first appears.

    Args:
        cohort: the cohort.
        rows: row numbers from 0, in order.
        salt: the salt of the report hashes.

    Returns:
        The distinct reports in order of first appearance, and a table with a row for each of `rows`:
        `report_hash`, `report_words`, and `report_row`, the report's place among the distinct ones.
    """
    texts = cohort.pairs["report"].gather(rows).to_list()
    first: dict[str, int] = {}
    distinct: list[str] = []
    hashes = [report_hash(text, salt) for text in texts]
    for text, key in zip(texts, hashes, strict=True):
        if key not in first:
            first[key] = len(distinct)
            distinct.append(text)
    table = pl.DataFrame(
        {
            "report_hash": hashes,
            "report_words": [len(text.split()) for text in texts],
            "report_row": [first[key] for key in hashes],
        },
        schema={"report_hash": pl.String, "report_words": pl.Int32, "report_row": pl.Int32},
    )
    return distinct, table


def pairs_table(
    cohort: Cohort,
    rows: NDArray[np.intp],
    reports: pl.DataFrame,
    truncated: NDArray[np.bool_],
    keep: Sequence[str],
) -> pl.DataFrame:
    """Make `pairs.parquet`: a row per kept pair, aligned with the image features.

    Args:
        cohort: the cohort, with its split.
        rows: numbers of the kept rows, in order.
        reports: the table that `distinct_reports` gave for them.
        truncated: bool, shape (distinct reports,): the report was longer than the token limit.
        keep: names of further columns that leave.
    """
    schema = [column for column in SCHEMA if column in cohort.pairs.columns]
    columns = dict.fromkeys((*IDS, *schema, *keep, *cohort.labels))
    flags = pl.Series("truncated", truncated[reports["report_row"].to_numpy()], dtype=pl.Boolean)
    return pl.concat([cohort.pairs.select(*columns)[rows], reports.with_columns(flags)], how="horizontal")
