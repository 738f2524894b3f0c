"""What a cell of a table says: whether anything, an age in years, or a label's value."""

import polars as pl

from relinkage.cohorts.labels import CHEXPERT_LABELS, NEGATIVE, POSITIVE, UNCERTAIN

ABSENT = ("", "nan", "na", "n/a", "null")
"""What programs write where there is no value, in lower case."""
_NO_ID = (*ABSENT, "none", "<na>", "nat")
"""What they write where there is no id: here `none` is not a finding or view."""
MOSTLY = 0.9
"""Share of a column's values from which on, if they are 1, 0 and -1, others look like slips."""
_IN_YEARS = {"y": 1.0, "m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25}


def present(values: pl.Series) -> pl.Series:
    """Return values as strings without white space around them, null where the cell says nothing."""
    text = values.cast(pl.String).str.strip_chars()
    return text.set(text.str.to_lowercase().is_in(ABSENT), None)


def ids(values: pl.Series) -> tuple[pl.Series, int]:
    """Return ids as strings, and how many cells hold a text or NaN that stands for no id.

    Args:
        values: a column of texts or numbers.

    Returns:
        String: null where a cell is blank or reads `nan`, `None`, `null` or the like, which would be one id
        for all; and the number of the latter.
    """
    text = values.cast(pl.String)
    bare = text.str.strip_chars().str.to_lowercase()
    said = bare.is_in(_NO_ID).fill_null(False)
    return text.set(said, None), int((said & (bare != "").fill_null(False)).sum())


def years(values: pl.Series) -> pl.Series:
    """Return ages in years, Float64: a number of years, or DICOM's `038Y`, `006M`, `003W`, `012D`.

    What is neither, or not finite, is null.
    """
    text = present(values).str.to_lowercase().alias("age")
    count = text.str.extract(r"^(\d{1,3})\s*[ymwd]$").cast(pl.Float64)
    unit = text.str.slice(-1).replace_strict(_IN_YEARS, default=None, return_dtype=pl.Float64)
    ages = text.cast(pl.Float64, strict=False).fill_null(count * unit)
    return ages.set(~ages.is_finite(), None)


def label_values(values: pl.Series) -> tuple[pl.Series, int]:
    """Return a label's values and how many cells hold something else.

    Args:
        values: a column of texts or numbers.

    Returns:
        Int8: 1, 0, -1, and null where the cell says nothing or something else; and the number of the latter.
    """
    text = present(values)
    numbers = text.cast(pl.Float64, strict=False)
    known = numbers.is_in([float(value) for value in (POSITIVE, NEGATIVE, UNCERTAIN)]).fill_null(False)
    return numbers.set(~known, None).cast(pl.Int8), int((text.is_not_null() & ~known).sum())


def is_label(values: pl.Series) -> bool:
    """Return whether a column is a label: it holds 1, 0 or -1, and besides them only absent values.

    With the name of one of the 14 CheXpert labels it may hold other values too, which are read as absent.
    """
    if not has_words(values):
        return False
    told, others = label_values(values)
    return told.null_count() < len(told) and (others == 0 or values.name in CHEXPERT_LABELS)


def looks_like_a_label(values: pl.Series) -> int:
    """Return how many cells keep a column from being a label, 0 where it is one or does not look like one."""
    if not has_words(values):
        return 0
    told, others = label_values(values)
    known = len(told) - told.null_count()
    return others if known >= MOSTLY * (known + others) and known else 0


def has_words(values: pl.Series) -> bool:
    """Return whether cells can be read as words: lists, bytes, objects, durations and extensions cannot."""
    kind = values.dtype
    odd = kind in (pl.Binary, pl.Object, pl.Duration) or isinstance(kind, pl.BaseExtension)
    return not (odd or kind.is_nested())
