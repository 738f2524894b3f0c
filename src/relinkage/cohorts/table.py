"""The cohort: a table of image-report pairs, with its schema checked before anything expensive starts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from relinkage.cohorts.cells import ids, is_label, label_values, present, years
from relinkage.cohorts.image_paths import below_root, check_image_paths
from relinkage.cohorts.labels import CHEXPERT_LABELS
from relinkage.cohorts.unused import read_as_empty, unused_columns
from relinkage.errors import InputError
from relinkage.files import fingerprint

REQUIRED = ("pair_id", "study_id", "image", "report")
OPTIONAL = ("patient_id", "view", "split", "sex", "age")
UNKNOWN = (
    "Patients are not known: every study counts as a patient of its own, so splits and intervals are by "
    "study, and whatever is said of patients holds for studies only."
)


@dataclass(frozen=True)
class Cohort:
    """Pairs of an image and the report that was written about it, a row each.

    Build one with `Cohort.from_table`, which checks the schema; `read_cohort` does so from a file.

    Attributes:
        pairs: the columns of `REQUIRED` and `patient_id` as strings (an absent report is an empty string),
            those of `OPTIONAL` that are there (`age` as Float64, the others as String), the label columns as
            Int8 with nulls, and any further column as String. Where patients are not known, `patient_id`
            repeats `study_id`.
        labels: names of the label columns, in table order.
        root: the folder that image paths are relative to.
        name: what reports call the cohort.
        notes: what a person has to know.
        patients_known: whether the data say which studies are of one patient.
    """

    pairs: pl.DataFrame
    labels: tuple[str, ...]
    root: Path
    name: str
    notes: tuple[str, ...] = field(default=())
    patients_known: bool = True

    def __len__(self) -> int:
        return len(self.pairs)

    @classmethod
    def from_table(cls, table: pl.DataFrame, root: Path, name: str, source: str = "the cohort") -> "Cohort":
        """Check a table against the cohort schema and give it its types.

        Args:
            table: the columns as read; any type that turns into the schema's.
            root: the folder that image paths are relative to, or below which absolute ones lie.
            name: what reports call the cohort.
            source: how messages name the table, usually its file.

        Raises:
            InputError: a column is missing (but for `patient_id`, without which patients are not known), an
                id is empty or repeated, a study has two patients, an image path leaves `root`, an age is no
                number, or there are no rows.
        """
        _check_columns(table.columns, source)
        if table.is_empty():
            raise InputError(f"{source} has no rows; a cohort needs at least one pair.")
        _check_cells(table.schema, source)
        table = table.select(
            pl.col(column).cast(pl.String) if table.schema[column] != pl.String else pl.col(column)
            for column in table.columns
        ).with_columns(pl.col("report").fill_null(""))
        known = "patient_id" in table.columns and not ids(table["patient_id"])[0].is_null().all()
        if not known:
            table = table.with_columns(patient_id=pl.col("study_id"))
        _check_ids(table, source)
        table = table.with_columns(below_root(table["image"], Path(root)))
        check_image_paths(table["image"], source)
        labels = tuple(c for c in table.columns if c not in REQUIRED + OPTIONAL and _is_label(table[c]))
        odd = read_as_empty(table, labels)
        table = table.with_columns(label_values(table[label])[0] for label in labels)
        if "age" in table.columns:
            table = table.with_columns(_ages(table["age"], source))
        return cls(table, labels, Path(root), name, (*_notes(table, labels, known), *odd), known)

    def with_pairs(self, pairs: pl.DataFrame, source: str = "the cohort") -> "Cohort":
        """Return a cohort of other rows or columns, of which the same is known.

        Args:
            pairs: rows or columns of this cohort's `pairs`, with others beside them.
            source: how messages name the table.

        Raises:
            InputError: as in `from_table`.
        """
        table = pairs if self.patients_known else pairs.drop("patient_id")
        made = Cohort.from_table(table, self.root, self.name, source)
        own = _notes(self.pairs, self.labels, self.patients_known)
        return replace(made, notes=(*(note for note in self.notes if note not in own), *made.notes))

    def with_labels(self, names: Sequence[str]) -> "Cohort":
        """Return the cohort with labels by name, so that no cell decides whether a column is one.

        Args:
            names: the label columns; a cell with something other than 1, 0 and -1 is read as empty.

        Raises:
            InputError: a column is missing, or is one of the schema's.
        """
        for name in names:
            if name not in self.pairs.columns:
                raise InputError(
                    f"The cohort has no column {name} to read as a label; name one of its columns."
                )
            if name in REQUIRED + OPTIONAL:
                raise InputError(f"The column {name} is not a label; name another with --label.")
        names = tuple(dict.fromkeys(names))
        former = [pl.col(label).cast(pl.String) for label in self.labels if label not in names]
        pairs = self.pairs.with_columns(*former, *(label_values(self.pairs[name])[0] for name in names))
        own = _notes(self.pairs, self.labels, self.patients_known)
        notes = [note for note in self.notes if note not in own]
        notes += _notes(pairs, names, self.patients_known)
        notes += read_as_empty(self.pairs, names)
        return replace(self, pairs=pairs, labels=names, notes=tuple(notes))

    def table(self) -> pl.DataFrame:
        """Return what of the pairs the data say: without `patient_id` where patients are not known."""
        return self.pairs if self.patients_known else self.pairs.drop("patient_id")

    @property
    def patients(self) -> int:
        """How many patients the cohort holds; studies where patients are not known."""
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
        return fingerprint(b"relinkage page salt\x00", self._content())

    def _content(self) -> bytes:
        return self.table().write_csv().encode()


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
        empty = (
            ids(table[column])[0].is_null() if column in ("study_id", "patient_id") else _blank(table[column])
        )
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


def _blank(values: pl.Series) -> pl.Series:
    return values.is_null() | (values.str.strip_chars() == "").fill_null(True)


def _is_label(values: pl.Series) -> bool:
    """A CheXpert label that nobody has is one all the same."""
    return is_label(values) or values.name in CHEXPERT_LABELS


def _ages(values: pl.Series, source: str) -> pl.Series:
    ages = years(values)
    wrong = (ages.is_null() & present(values).is_not_null()) | ~ages.is_finite() | (ages < 0)
    wrong = wrong.fill_null(True) & present(values).is_not_null()
    if wrong.any():
        row = int(wrong.arg_true()[0]) + 1
        raise InputError(
            f"{source} row {row} has an age that is neither a number of years nor as 038Y, 006M, 003W or "
            "012D; correct it or leave it empty."
        )
    return ages


def _notes(table: pl.DataFrame, labels: Sequence[str], patients_known: bool) -> tuple[str, ...]:
    given = table if patients_known else table.drop("patient_id")
    used = {*given.columns} & {*REQUIRED, *OPTIONAL, *labels}
    notes = unused_columns(given, used, "the cohort")
    if not patients_known:
        return (UNKNOWN, *notes)
    if "split" not in table.columns:
        return tuple(notes)
    splits = table.group_by("patient_id").agg(pl.col("split").n_unique())
    crossing = splits.filter(pl.col("split") > 1).height
    if not crossing:
        return tuple(notes)
    who = "1 patient stands" if crossing == 1 else f"{crossing} patients stand"
    return (f"{who} in several splits: what is trained on one is not held out from another.", *notes)
