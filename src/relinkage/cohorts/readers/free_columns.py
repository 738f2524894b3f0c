"""Data sets without a fixed layout: which of their columns are ids, texts, labels and the rest."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from relinkage.cohorts.readers.columns import as_age, as_id, as_labels, as_sex, label_columns
from relinkage.cohorts.readers.protocol import Found
from relinkage.cohorts.readers.settings import ReadOptions
from relinkage.cohorts.sections import SectionChoice
from relinkage.cohorts.unused import ALIASES
from relinkage.errors import InputError
from relinkage.printing import known_of

TEXTS = ("report", "text", "txt", "findings+impression", "caption", "description", "note")
"""What stands for a report where nothing is chosen: the first that is there, even in part."""

RESERVED = ("image", "key", "row_of", "split_of", "trouble")
"""Columns that readers add to those of a data set's own."""
_WORDS = {
    "positive": "1", "present": "1", "yes": "1", "true": "1",
    "negative": "0", "absent": "0", "no": "0", "false": "0",
    "uncertain": "-1",
}  # fmt: skip
_FRONTAL = r"^(AP|PA|FRONTAL|POSTEROANTERIOR|ANTEROPOSTERIOR)$"


def is_frontal(view: pl.Expr) -> pl.Expr:
    """Say whether a view is frontal; null where it is not known."""
    text = view.str.strip_chars().str.to_uppercase()
    return pl.when(text != "").then(text.str.contains(_FRONTAL))


def as_text(column: pl.Expr, kind: pl.DataType, names: Sequence[str] | None) -> pl.Expr:
    """Give a column of texts, numbers, truth values or classes as strings.

    Args:
        column: the column.
        kind: its type.
        names: the names of its classes, where its numbers stand for classes.
    """
    if kind == pl.Boolean:
        return column.cast(pl.Int8).cast(pl.String)
    if names and kind.is_integer():
        return column.cast(pl.Int64).replace_strict(
            dict(enumerate(names)), default=None, return_dtype=pl.String
        )
    return column.cast(pl.String)


def texts_of(told: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the texts, numbers and truth values of a JSON object, as strings."""
    values: dict[str, str | None] = {}
    for key, value in told.items():
        if key in RESERVED or not key.isprintable():
            continue
        if isinstance(value, bool):
            values[key] = str(int(value))
        elif isinstance(value, (str, int, float)):
            values[key] = str(value).encode("utf-8", "replace").decode()
    return values


def found_in(table: pl.DataFrame, found: Found, options: ReadOptions) -> Found:
    """Turn a table with columns of its own into what a reader gives.

    Where studies are not named, every row of the data set is one of its own, and a note says so. Study ids
    that several patients share (`study1`) are made distinct by the patient. A single split called `train`
    says nothing and is left out.

    Args:
        table: strings in columns of the data set's own, besides `image`, `key` (a name of each image's own)
            and optionally `row_of` (a name of the data set's row, which several images may share), `split_of`
            (the split of the file) and `trouble`.
        found: where the table goes.
        options: how it is read.

    Raises:
        InputError: no column holds a text.
    """
    own = [name for name in table.columns if name not in RESERVED]
    table = table.rename({name: f"own:{name}" for name in own})
    by_lower = {name.lower().replace(" ", "_").replace("-", "_"): f"own:{name}" for name in reversed(own)}
    taken = {
        column: by_lower[alias]
        for column, aliases in ALIASES.items()
        if (alias := next((alias for alias in aliases if alias in by_lower), None))
    }
    sections = {name.removeprefix("section_"): column for name, column in by_lower.items()}
    texts = _choice(options.section, sections).picked(table, sections)
    labels = {f"own:{name}": label for name, label in label_columns(own).items()}
    words = [
        pl.col(name).replace_strict(_WORDS, default=pl.col(name), return_dtype=pl.String) for name in labels
    ]
    table = table.with_columns(
        pl.col(name).str.strip_chars().str.to_lowercase() for name in labels
    ).with_columns(words)
    ids = _ids(table, taken, found)
    rest = [as_labels(table, labels), _schema(taken)]
    split = _split(table, taken, options)
    kept = [name for name in ("image", "trouble") if name in table.columns]
    found.table = table.select(*kept, *ids, *texts, *rest[0], *rest[1], *split)
    if split and options.split is None and found.table["split"].drop_nulls().unique().to_list() == ["train"]:
        found.table = found.table.drop("split")
        found.notes.append("Every row is in the split train, which is left out: it holds nothing out.")
    found.labels = tuple(labels.values())
    return found


def _choice(asked: str | None, sections: Mapping[str, str]) -> SectionChoice:
    if asked is not None:
        return SectionChoice.parse(asked, sorted(sections))
    for default in TEXTS:
        there = [part for part in default.split("+") if part in sections]
        if there:
            return SectionChoice((tuple(there),))
    raise InputError(
        f"No column is called {', '.join(TEXTS)}; name the column of the reports with --section (it has "
        f"{known_of(sections, TEXTS)})."
    )


def _ids(table: pl.DataFrame, taken: Mapping[str, str], found: Found) -> list[pl.Series]:
    def own(column: str) -> pl.Series | None:
        return table.select(as_id(taken[column])).to_series() if column in taken else None

    key, pair, study, patient = table["key"], own("pair_id"), own("study_id"), own("patient_id")
    if pair is None or pair.null_count() or pair.is_duplicated().any():
        pair = key
    if study is None:
        found.notes.append("Studies are not named: every row counts as a study of its own.")
        several = "row_of" in table.columns and table["row_of"].is_duplicated().any()
        study = table["row_of"] if several else pair
    elif patient is not None:
        shared = pl.DataFrame({"study": study, "patient": patient}).group_by("study")
        if (shared.agg(pl.col("patient").n_unique())["patient"] > 1).any():
            study = patient + "/" + study
    ids = [pair.alias("pair_id"), study.alias("study_id")]
    return ids if patient is None else [*ids, patient.alias("patient_id")]


def _schema(taken: Mapping[str, str]) -> list[pl.Expr]:
    columns = []
    if "view" in taken:
        view = pl.col(taken["view"]).str.strip_chars()
        columns += [pl.when(view != "").then(view).alias("view"), is_frontal(view).alias("frontal")]
    else:
        columns.append(pl.lit(None, pl.Boolean).alias("frontal"))
    columns += [as_sex(taken["sex"])] if "sex" in taken else []
    columns += [as_age(taken["age"])] if "age" in taken else []
    return columns


def _split(table: pl.DataFrame, taken: Mapping[str, str], options: ReadOptions) -> list[pl.Expr]:
    if options.split == "random":
        return []
    of_file = [pl.col("split_of")] if "split_of" in table.columns else []
    of_row = [as_id(taken["split"])] if "split" in taken else []
    every = [*of_row, *of_file]
    if not every or not any(table.select(each).to_series().count() for each in every):
        return []
    return [pl.coalesce(every).alias("split")]
