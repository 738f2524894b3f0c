"""What of a cohort may leave it: the rows of `pairs.parquet`, without report text and without image paths."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from relinkage.cohorts import Cohort
from relinkage.cohorts.text import common_spellings, normalise, report_hash, within_budget
from relinkage.errors import InputError

IDS = ("pair_id", "study_id", "patient_id")
SCHEMA = ("split", "view", "sex", "age")
ADDED = ("report_hash", "report_words", "report_row", "cut", "truncated")
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


@dataclass(frozen=True)
class EncodedTexts:
    """What an encoder sees of the reports of a cohort.

    Attributes:
        texts: the text of each row.
        cut: bool, shape (rows,): whether the token budget cut the row's report.
        respelled: studies whose text has other letters than their own report, in case or Unicode form.
    """

    texts: list[str]
    cut: NDArray[np.bool_]
    respelled: int


def texts_to_encode(cohort: Cohort, budget: int | None) -> EncodedTexts:
    """Return the text that an encoder sees of each report of a cohort.

    Reports that are equal when normalised, after they were cut, are one text, so that they tie: the spelling
    of most studies, in its own case and with its own white space (`common_spellings`). It is chosen among all
    rows of the cohort, so that neither the order of rows nor an unreadable image changes it.

    Args:
        cohort: the cohort.
        budget: tokens of a report that an encoder sees; None for all.
    """
    reports = cohort.pairs["report"].to_list()
    cuts = {report: within_budget(report, budget) for report in set(reports)}
    told = [cuts[report][0] for report in reports]
    studies = dict.fromkeys(zip(cohort.pairs["study_id"], told, strict=True))
    spelled = common_spellings(text for _, text in studies)
    return EncodedTexts(
        [spelled[normalise(text)] for text in told],
        np.array([cuts[report][1] for report in reports], np.bool_),
        len({study for study, text in studies if text.split() != spelled[normalise(text)].split()}),
    )


def distinct_texts(
    cohort: Cohort, rows: NDArray[np.intp], salt: str, encoded: EncodedTexts
) -> tuple[list[str], pl.DataFrame]:
    """Find the distinct texts that an encoder sees of the reports of some rows.

    Under a token budget different reports may become one text: they get one vector and tie, but keep hashes
    and numbers of words of their own, which are those of the full report.

    Args:
        cohort: the cohort.
        rows: row numbers from 0, in order.
        salt: the salt of the report hashes.
        encoded: what `texts_to_encode` gave for the cohort.

    Returns:
        The distinct texts in order of first appearance, and a table with a row for each of `rows`:
        `report_hash`, `report_words`, `report_row` (the place of its text among the distinct ones) and
        `cut` (whether the budget cut it).
    """
    reports = cohort.pairs["report"].gather(rows).to_list()
    texts = [encoded.texts[row] for row in rows]
    distinct = list(dict.fromkeys(texts))
    place = {text: number for number, text in enumerate(distinct)}
    table = pl.DataFrame(
        {
            "report_hash": [report_hash(report, salt) for report in reports],
            "report_words": [len(report.split()) for report in reports],
            "report_row": [place[text] for text in texts],
            "cut": encoded.cut[rows],
        },
        schema={
            "report_hash": pl.String,
            "report_words": pl.Int32,
            "report_row": pl.Int32,
            "cut": pl.Boolean,
        },
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

    It has no `patient_id` where patients are not known.

    Args:
        cohort: the cohort, with its split.
        rows: numbers of the kept rows, in order.
        reports: the table that `distinct_texts` gave for them.
        truncated: bool, shape (distinct texts,): the text was longer than the model's token limit.
        keep: names of further columns that leave.
    """
    schema = [column for column in SCHEMA if column in cohort.pairs.columns]
    ids = IDS if cohort.patients_known else IDS[:2]
    columns = dict.fromkeys((*ids, *schema, *keep, *cohort.labels))
    flags = pl.Series("truncated", truncated[reports["report_row"].to_numpy()], dtype=pl.Boolean)
    return pl.concat([cohort.pairs.select(*columns)[rows], reports.with_columns(flags)], how="horizontal")
