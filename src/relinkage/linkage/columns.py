"""What hard negatives share: the columns that are asked for, and their values as numbers."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from relinkage.cohorts.cells import has_words, is_label, label_values, present, years
from relinkage.errors import InputError
from relinkage.linkage.settings import AuditSettings, Uncertain

Ints = NDArray[np.int64]

LABELS = "labels"
AGE_DECADE, LENGTH_QUARTILE = "age decade", "report-length quartile"
_IDS = ("pair_id", "candidate", "study_id", "patient_id", "report_hash", "report_row", "report_words")
_NO_LABELS = (*_IDS, "split", "view", "sex", "age")  # sex as 0 and 1 is not a finding
_UNCERTAIN_VALUE = {"own": -1.0, "positive": 1.0, "negative": 0.0, "absent": None}


def label_columns(pairs: pl.DataFrame) -> tuple[str, ...]:
    """Find the label columns of a table: those that hold 1, 0, -1 and cells without a value."""
    return tuple(c for c in pairs.columns if c not in _NO_LABELS and is_label(pairs[c]))


def named_levels(
    pairs: pl.DataFrame, wanted: AuditSettings, labels: tuple[str, ...]
) -> list[tuple[str, tuple[str, ...]]]:
    """Give the name and the columns of each level that was asked for; each has those of the one before.

    Args:
        pairs: a row per query.
        wanted: the columns, or the ladder.
        labels: the label columns.

    Raises:
        InputError: a column is not there, or there are no label columns.
    """
    if not wanted.ladder:
        return [("+".join(wanted.hard_negatives), _expand(pairs, wanted.hard_negatives, labels))]
    if not labels:
        raise InputError("--ladder begins with labels, and the pairs have no label columns; add them.")
    rungs = [("labels", labels, ()), ("view", ("view",), ("view",)), ("sex", ("sex",), ("sex",))]
    rungs += [
        ("age decade", (AGE_DECADE,), ("age",)),
        ("length quartile", (LENGTH_QUARTILE,), ("report_words",)),
    ]
    steps: list[tuple[str, tuple[str, ...]]] = []
    for name, columns, needs in rungs:
        if all(need in pairs.columns for need in needs):
            before = steps[-1] if steps else ("", ())
            step = (f"{before[0]}+{name}".lstrip("+"), (*before[1], *columns))
            if name == "age decade" and "sex" in pairs.columns:
                steps[-1] = step  # sex and age decade are one rung
            else:
                steps.append(step)
    return steps


def _expand(pairs: pl.DataFrame, columns: tuple[str, ...], labels: tuple[str, ...]) -> tuple[str, ...]:
    out: list[str] = []
    for column in columns:
        if column == LABELS:
            if not labels:
                raise InputError(
                    "--hard-negatives labels needs label columns (1, 0, -1 or empty); add them to the pairs."
                )
            out += labels
        elif column in pairs.columns and has_words(pairs[column]):
            out.append(column)
        elif column in pairs.columns:
            raise InputError(
                f"--hard-negatives names {column}, which holds {pairs[column].dtype}; name a column of "
                "texts or numbers."
            )
        else:
            raise InputError(
                f"--hard-negatives names {column}, which is not a column of the pairs; name one that is."
            )
    return tuple(dict.fromkeys(out))


def numbered(pairs: pl.DataFrame, column: str, labels: tuple[str, ...], uncertain: Uncertain) -> Ints:
    """Number the values of a column from 1 on: int64, shape (q,), 0 where a value is absent."""
    if column == AGE_DECADE:
        values = (years(pairs["age"]) / 10).floor()
    elif column == LENGTH_QUARTILE:
        words = _numbers(pairs["report_words"])
        quartiles = [words.quantile(share, "linear") for share in (0.25, 0.5, 0.75)]
        above = [words > cut for cut in quartiles if cut is not None]
        values = pl.select(pl.sum_horizontal(above)).to_series() if above else words
        values = values.set(words.is_null(), None)
    elif column in labels:
        values = label_values(pairs[column])[0].cast(pl.Float64).replace({-1.0: _UNCERTAIN_VALUE[uncertain]})
    else:
        values = present(pairs[column])
    return values.rank("dense").cast(pl.Int64).fill_null(0).to_numpy()


def _numbers(values: pl.Series) -> pl.Series:
    """Give values as finite numbers; what is none is absent."""
    numbers = present(values).cast(pl.Float64, strict=False)
    return numbers.set(~numbers.is_finite(), None)
