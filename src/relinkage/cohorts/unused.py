"""Columns that nothing reads: counted, and named only where their name is a known one of another column."""

from collections.abc import Collection, Sequence

import polars as pl

from relinkage.cohorts.cells import label_values, looks_like_a_label
from relinkage.cohorts.labels import CHEXPERT_LABELS

ALIASES = {
    "pair_id": ("pair_id", "dicom_id", "image_id", "sample_id", "sopinstanceuid", "id"),
    "study_id": (
        "study_id", "studyid", "studyinstanceuid", "study_instance_uid", "study", "uid", "studyuid",
        "accessionnumber", "accession_number",
    ),
    "patient_id": ("patient_id", "subject_id", "patientid", "deid_patient_id", "patient", "subject"),
    "view": ("view", "viewposition", "view_position", "projection", "frontal_lateral"),
    "split": ("split",),
    "sex": ("sex", "gender", "patient_sex", "patientsex"),
    "age": ("age", "patient_age", "patientage"),
}  # fmt: skip
"""Names, in lower case, under which columns of the schema are found; the first that is there."""


def unused_columns(
    table: pl.DataFrame, used: Collection[str], where: str, known: Sequence[str] = tuple(ALIASES)
) -> list[str]:
    """Return a note on the columns that nothing reads, and one on those that are nearly labels.

    Names of columns may tell as much as cells do. Said are those that are known names of another column, of
    labels, and of columns that are labels but for some cells, as labels are named wherever they are used.

    Args:
        table: the whole table.
        used: the columns that are read, the labels among them.
        where: how notes name the table.
        known: the columns that would be read if they were there.
    """
    rest = [column for column in table.columns if column not in used]
    nearly = [(column, _others(table[column])) for column in rest]
    notes = [
        f"{column} is not read as a label: it holds something other than 1, 0, -1 and empty in {cells} of "
        f"{len(table)} rows; correct those."
        for column, cells in nearly
        if cells
    ]
    rest = [column for column, cells in nearly if not cells]
    if rest:
        count = "1 column of {} is" if len(rest) == 1 else f"{len(rest)} columns of {{}} are"
        said = f"{count.format(where)} not used."
        notes.append(" ".join([said, *_suggestions(rest, used, known)]))
    return notes


def read_as_empty(table: pl.DataFrame, labels: Sequence[str]) -> list[str]:
    """Return a note for each label that holds something other than 1, 0, -1 and empty.

    Args:
        table: the whole table, as it was read.
        labels: the columns that are read as labels.
    """
    odd = [(label, label_values(table[label])[1]) for label in labels]
    return [
        f"{label}: {cells} of {len(table)} cells hold something other than 1, 0, -1 and empty, which is read "
        "as not mentioned."
        for label, cells in odd
        if cells
    ]


def _others(values: pl.Series) -> int:
    return 0 if values.dtype == pl.Boolean else looks_like_a_label(values)


def _suggestions(rest: Sequence[str], used: Collection[str], known: Sequence[str]) -> list[str]:
    said, taken = [], set(used)
    for name in known:
        if name in taken:
            continue
        for column in rest:
            if plain_name(column) in {plain_name(alias) for alias in ALIASES.get(name, ())}:
                said.append(f"{column} looks like {name}: rename it.")
                break
    labels = {plain_name(label): label for label in CHEXPERT_LABELS}
    return said + [
        f"{column} has the name of the label {labels[plain_name(column)]}, but not its values 1, 0 and -1."
        for column in rest
        if plain_name(column) in labels
    ]


def plain_name(name: str) -> str:
    """Return a column's name without case, spaces, underscores and hyphens."""
    return name.strip().lower().replace(" ", "").replace("_", "").replace("-", "")
