"""The cohort: a table of image-report pairs, with its schema checked before anything expensive starts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

import polars as pl

from relinkage.cohorts.labels import CHEXPERT_LABELS, NEGATIVE, POSITIVE, UNCERTAIN
from relinkage.errors import InputError
from relinkage.files import fingerprint

REQUIRED = ("pair_id", "study_id", "patient_id", "image", "report")
OPTIONAL = ("view", "split", "sex", "age")


@dataclass(frozen=True)
class Cohort:
    """Pairs of an image and the report that was written about it, a row each.

    Build one with `Cohort.from_table`, which checks the schema; `read_cohort` does so from a file.

    Attributes:
        pairs: the columns of `REQUIRED` as strings (an absent report is an empty string), those of
            `OPTIONAL` that are there (`age` as Float64, the others as String), the label columns as Int8
            with nulls, and any further column as String.
        labels: names of the label columns, in table order.
        root: the folder that image paths are relative to.
        name: what reports call the cohort.
    """

    pairs: pl.DataFrame
    labels: tuple[str, ...]
    root: Path
    name: str
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.pairs)

    @classmethod
    def from_table(cls, table: pl.DataFrame, root: Path, name: str, source: str = "the cohort") -> "Cohort":
        """Check a table against the cohort schema and give it its types.

        Args:
            table: the columns as read; any type that turns into the schema's.
            root: the folder that image paths are relative to.
            name: what reports call the cohort.
            source: how messages name the table, usually its file.

        Raises:
            InputError: a column is missing, an id is empty or repeated, a study has two patients, an image
                path leaves `root`, an age is no number, or there are no rows.
        """
        _check_columns(table.columns, source)
        if table.is_empty():
            raise InputError(f"{source} has no rows; a cohort needs at least one pair.")
        _check_cells(table.schema, source)
        table = table.select(
            pl.col(column).cast(pl.String) if table.schema[column] != pl.String else pl.col(column)
            for column in table.columns
        ).with_columns(pl.col("report").fill_null(""))
        _check_ids(table, source)
        _check_image_paths(table["image"], source)
        labels = tuple(c for c in table.columns if c not in REQUIRED + OPTIONAL and _is_label(table[c]))
        table = table.with_columns(
            pl.col(label).cast(pl.Float64, strict=False).cast(pl.Int8) for label in labels
        )
        if "age" in table.columns:
            table = table.with_columns(_ages(table["age"], source))
        return cls(table, labels, Path(root), name, _notes(table))

    @property
    def patients(self) -> int:
        """How many patients the cohort holds."""
        return self.pairs["patient_id"].n_unique()

    @property
    def studies(self) -> int:
        """How many studies the cohort holds."""
        return self.pairs["study_id"].n_unique()

    def image_paths(self) -> list[Path]:
        """Give the image file of every row."""
        return [self.root / image for image in self.pairs["image"]]

    def fingerprint(self) -> str:
        """Give a digest of the table's content; it changes with any cell, column name or row order."""
        return fingerprint(self._content())

    def salt(self) -> str:
        """Give the salt of this cohort's report hashes.

        It follows from the whole content, so that repeated runs agree, and is not the published
        fingerprint, so that nobody without the cohort can test a guessed report against a hash.
        """
        return fingerprint(b"relinkage report salt\x00", self._content())

    def _content(self) -> bytes:
        return self.pairs.write_csv().encode()


def _check_columns(columns: Sequence[str], source: str) -> None:
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        # The names that are there may be the first row of a table without a header: they stay unsaid.
        raise InputError(
            f"{source} lacks the column {', '.join(missing)} (it has {len(columns)} others); "
            "add or rename it."
        )


def _check_cells(schema: pl.Schema, source: str) -> None:
    for column, kind in schema.items():
        if kind.is_nested() or kind in (pl.Binary, pl.Duration, pl.Object):
            raise InputError(
                f"{source} holds {kind} in the column {column}; a cell is a text or a number, turn it into "
                "one or leave the column out."
            )


def _check_ids(table: pl.DataFrame, source: str) -> None:
    for column in ("pair_id", "study_id", "patient_id", "image"):
        empty = table[column].is_null() | (table[column].str.strip_chars() == "")
        if empty.any():
            row = int(empty.arg_true()[0]) + 1
            raise InputError(
                f"{source} has {int(empty.sum())} rows without {column}, the first is row {row}; fill them."
            )
    repeated = table["pair_id"].is_duplicated()
    if repeated.any():
        row = int(repeated.arg_true()[0]) + 1
        raise InputError(
            f"{source} repeats a pair_id in {int(repeated.sum())} rows, the first is row {row}; "
            "every pair needs an id of its own."
        )
    patients = table.group_by("study_id").agg(pl.col("patient_id").n_unique())
    mixed = patients.filter(pl.col("patient_id") > 1)["study_id"].implode()
    if len(mixed[0]):
        row = int(table["study_id"].is_in(mixed).arg_true()[0]) + 1
        raise InputError(
            f"{source} gives {len(mixed[0])} studies more than one patient_id, the first at row {row}; "
            "a study belongs to one patient."
        )


def _check_image_paths(images: pl.Series, source: str) -> None:
    suspect = images.str.contains(r"(^|[/\\])\.\.([/\\]|$)|^[/\\~]|^[A-Za-z]:")
    for row in suspect.arg_true():
        if _leaves(images[int(row)]):
            raise InputError(
                f"{source} row {int(row) + 1} has an image path that leaves the cohort's folder; "
                "give paths relative to it (or name another folder as the root)."
            )


def _leaves(path: str) -> bool:
    if path.startswith("~") or PurePosixPath(path).is_absolute() or PureWindowsPath(path).drive:
        return True
    depth = 0
    for part in path.replace("\\", "/").split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return True
    return path.startswith("\\")


def _is_label(values: pl.Series) -> bool:
    """A column is a label where every value that is there is 1, 0 or -1 (or those as decimals)."""
    present = values.drop_nulls()
    present = present.filter(present.str.strip_chars() != "")
    if present.is_empty():  # a CheXpert label that nobody has is one all the same
        return values.name in CHEXPERT_LABELS
    numbers = present.cast(pl.Float64, strict=False)
    return numbers.null_count() == 0 and bool(
        numbers.is_in([float(value) for value in (POSITIVE, NEGATIVE, UNCERTAIN)]).all()
    )


def _ages(values: pl.Series, source: str) -> pl.Series:
    blank = values.is_null() | (values.str.strip_chars() == "")
    ages = values.cast(pl.Float64, strict=False)
    wrong = (ages.is_null() & ~blank) | ages.is_infinite().fill_null(False) | (ages < 0).fill_null(False)
    if wrong.any():
        row = int(wrong.arg_true()[0]) + 1
        raise InputError(
            f"{source} row {row} has an age that is not a number of years; correct it or leave it empty."
        )
    return ages


def _notes(table: pl.DataFrame) -> tuple[str, ...]:
    if "split" not in table.columns:
        return ()
    splits = table.group_by("patient_id").agg(pl.col("split").n_unique())
    crossing = splits.filter(pl.col("split") > 1).height
    if not crossing:
        return ()
    who = "1 patient stands" if crossing == 1 else f"{crossing} patients stand"
    return (f"{who} in several splits: what is trained on one is not held out from another.",)
