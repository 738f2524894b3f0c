"""Who belongs to whom: which report is the mate of which image, and which patient each is about."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from relinkage.cohorts.cells import has_words, ids
from relinkage.errors import InputError

Ints = NDArray[np.int64]
Pairs = tuple[Ints, Ints]

MANY = 1000
"""A patient with more candidates than this is taken for an id that stands for many people."""

READ = (
    "pair_id", "candidate", "study_id", "patient_id", "split", "view", "sex", "age", "report_hash",
    "report_words",
)  # fmt: skip
"""The columns of a table of pairs that an audit reads, beside labels and those that it is asked about."""


@dataclass(frozen=True)
class Links:
    """The truth that an audit compares with: q queries (images) and m candidates (reports).

    Attributes:
        pairs: a row per query: `pair_id` and whatever else is known (labels, view, sex, …).
        mate: int64, shape (q,): the candidate that is each query's report.
        report_row: int64, shape (q,): the row of the report array that belongs to each image.
        candidate_row: int64, shape (m,): the row of the report array that each candidate is, or the first of
            its rows: a study is one candidate, whose images may have several rows
            (`several_reports.candidates_of`).
        patient: int64, shape (q,): a number per patient; a query without a known patient is its own.
        candidate_patient: int64, shape (m,): the patient of a candidate, -1 where no query points to it.
        text: int64, shape (m,): a number per distinct report text, or None where texts are not known.
        patients_known: whether patients were given; if not, intervals assume that none repeats.
        studies: how many studies the queries come from.
        study: int64, shape (q,): a number per study; a query without a known study is of its mate's own.
    """

    pairs: pl.DataFrame
    mate: Ints
    report_row: Ints
    candidate_row: Ints
    patient: Ints
    candidate_patient: Ints
    text: Ints | None
    patients_known: bool
    studies: int
    study: Ints

    def __len__(self) -> int:
        return len(self.mate)

    @property
    def patients(self) -> int:
        """How many patients the queries come from."""
        return len(np.unique(self.patient))

    @classmethod
    def row_by_row(cls, images: int, reports: int) -> "Links":
        """Link image i with report i, where nothing else is known.

        Raises:
            InputError: the counts differ.
        """
        names = pl.DataFrame({"pair_id": [str(row) for row in range(images)]})
        return cls.from_pairs(names, images, reports, "--pairs")

    @classmethod
    def from_pairs(
        cls, pairs: pl.DataFrame, images: int, reports: int, source: str, *, patients_known: bool = True
    ) -> "Links":
        """Link as a table of pairs says, a row per image.

        Args:
            pairs: `pair_id`, and optionally `candidate` (the report's row, from 0), `study_id`,
                `patient_id`, `report_hash` and further columns.
            images: rows of the image array.
            reports: rows of the report array.
            source: how messages name the table.
            patients_known: whether `patient_id` names patients; where not, it is not looked at.

        Raises:
            InputError: a column is missing, ids repeat, rows do not match the images, or a mate is out of
                range.
        """
        _check(pairs, images, source)
        if "candidate" in pairs.columns:
            report_row = _mates(pairs["candidate"], reports, source)
        elif images == reports:
            report_row = np.arange(images)
        else:
            raise InputError(
                f"There are {images} images and {reports} reports; say which report belongs to which image "
                "in a column candidate of --pairs."
            )
        study = _codes(pairs, "study_id")
        patient = _patients(pairs, study) if patients_known else None
        if study is not None and patient is not None:
            _check_studies(pairs, source)
        candidate_row, mate = np.arange(reports), report_row
        if study is not None:
            candidate_row, mate = _one_candidate_a_study(report_row, study, reports)
        own = patient
        if own is None:
            own = np.arange(len(pairs)) if study is None else study
        of_candidates = _patients_and_texts(pairs, mate, own, len(candidate_row))
        study = mate if study is None else study
        studies, known = len(np.unique(study)), patient is not None
        return cls(pairs, mate, report_row, candidate_row, own, *of_candidates, known, studies, study)

    def with_candidates(self, mate: Ints, candidate_row: Ints) -> "Links":
        """Return the links with other candidates.

        Args:
            mate: int64, shape (q,): the candidate that is each query's report.
            candidate_row: int64, shape (m,): the row of the report array that each candidate is.
        """
        patient, text = _patients_and_texts(self.pairs, mate, self.patient, len(candidate_row))
        return replace(self, mate=mate, candidate_row=candidate_row, candidate_patient=patient, text=text)

    def with_patients(self, patient: Ints) -> "Links":
        """Give the links with other patients: int64, shape (q,), a number per patient."""
        candidate_patient = np.full(len(self.candidate_row), -1, np.int64)
        candidate_patient[self.mate] = patient
        return replace(self, patient=patient, candidate_patient=candidate_patient, patients_known=True)

    def same_patient(self) -> tuple[Ints, Ints]:
        """List (query, candidate) of one patient, each query's own mate left away."""
        rows, columns = _equal(self.patient, self.candidate_patient)
        keep = columns != self.mate[rows]
        return rows[keep], columns[keep]

    def same_study(self) -> tuple[Ints, Ints]:
        """List (query, candidate) of one study, each query's own mate left away: its further reports."""
        rows, others = _equal(self.study, self.study)
        columns = self.mate[others]
        keep = columns != self.mate[rows]
        width = len(self.candidate_row)
        keys = np.unique(rows[keep] * width + columns[keep])
        return keys // width, keys % width

    def same_report(self) -> tuple[Ints, Ints]:
        """List (query, other query) that share a mate or a study: the study's further images."""
        shared, together = (_others(*_equal(codes, codes)) for codes in (self.mate, self.study))
        return union(shared, together, len(self))

    def same_patient_queries(self) -> tuple[Ints, Ints]:
        """List (query, other query) of one patient."""
        return _others(*_equal(self.patient, self.patient))

    def crowded(self) -> NDArray[np.bool_]:
        """Say which queries are of a patient with more than `MANY` images: bool, shape (q,)."""
        _, which, images = np.unique(self.patient, return_inverse=True, return_counts=True)
        return images[which.ravel()] > MANY

    def siblings(self) -> tuple[Ints, Ints]:
        """List what `same_patient` does, but for queries whose patient is taken for many people."""
        return self._one_person_each().same_patient()

    def sibling_queries(self) -> tuple[Ints, Ints]:
        """List what `same_patient_queries` does, but for queries whose patient is taken for many people."""
        return self._one_person_each().same_patient_queries()

    def _one_person_each(self) -> "Links":
        alone = -2 - np.arange(len(self))  # -1 is the patient of a candidate that no query points to
        return replace(self, patient=np.where(self.crowded(), alone, self.patient))


def _one_candidate_a_study(report_row: Ints, study: Ints, reports: int) -> tuple[Ints, Ints]:
    """Make one candidate of the rows that a study's images have, and of every other row one of its own.

    Args:
        report_row: int64, shape (q,): the row of each image.
        study: int64, shape (q,): a number per study.
        reports: how many rows there are.

    Returns:
        The first row of each candidate, ascending, and each image's candidate.
    """
    _, first, which = np.unique(study, return_index=True, return_inverse=True)
    which = which.ravel()
    several = np.zeros(len(first), np.bool_)
    several[which[report_row != report_row[first][which]]] = True
    apart = np.ones(reports, np.bool_)
    apart[report_row] = False
    apart[report_row[~several[which]]] = True
    rows = np.concatenate([np.flatnonzero(apart), report_row[first[several]]])
    order = np.argsort(rows, kind="stable")
    place = np.argsort(order)
    of_row, of_study = np.zeros(reports, np.int64), np.zeros(len(first), np.int64)
    of_row[apart], of_study[several] = place[: apart.sum()], place[apart.sum() :]
    return rows[order], np.where(several[which], of_study[which], of_row[report_row])


def _patients_and_texts(
    pairs: pl.DataFrame, mate: Ints, patient: Ints, candidates: int
) -> tuple[Ints, Ints | None]:
    """Give the patient of each candidate, and its text: that of the first image it belongs to."""
    of_patient = np.full(candidates, -1, np.int64)
    of_patient[mate] = patient
    codes = _codes(pairs, "report_hash")
    if codes is None:
        return of_patient, None
    of_text = -1 - np.arange(candidates)
    of_text[mate[::-1]] = codes[::-1]
    return of_patient, of_text


def _check(pairs: pl.DataFrame, images: int, source: str) -> None:
    for column in READ:
        if column in pairs.columns and not has_words(pairs[column]):
            raise InputError(
                f"{source} holds {pairs[column].dtype} in the column {column}; a cell is a text or a number, "
                "turn it into one or leave the column out."
            )
    if "pair_id" not in pairs.columns:
        raise InputError(
            f"{source} lacks the column pair_id (it has {pairs.width} others); add or rename it."
        )
    if len(pairs) != images:
        raise InputError(f"{source} has {len(pairs)} rows for {images} images; give a row per image.")
    repeated = pairs["pair_id"].is_duplicated()
    if repeated.any():
        row = int(repeated.arg_true()[0]) + 1
        raise InputError(
            f"{source} repeats a pair_id in {int(repeated.sum())} rows, the first is row {row}; "
            "every pair needs an id of its own."
        )


def _check_studies(pairs: pl.DataFrame, source: str) -> None:
    """Studies numbered anew within each patient would be taken for one another."""
    table = pl.DataFrame([_values(pairs, "study_id"), _values(pairs, "patient_id")]).with_row_index("row")
    mixed = table.drop_nulls().filter(pl.col("patient_id").n_unique().over("study_id") > 1)
    if len(mixed):
        raise InputError(
            f"{source} gives {mixed['study_id'].n_unique()} studies more than one patient_id, the first at "
            f"row {mixed['row'][0] + 1}; a study belongs to one patient."
        )


def _mates(column: pl.Series, reports: int, source: str) -> Ints:
    mates = column.cast(pl.Float64, strict=False)
    whole = mates.is_not_null() & (mates == mates.round())
    inside = (whole & (mates >= 0) & (mates < reports)).fill_null(False)
    if not inside.all():
        row = int((~inside).arg_true()[0]) + 1
        raise InputError(
            f"{source} names a candidate that is not a row of the reports (0 to {reports - 1}) in "
            f"{int((~inside).sum())} rows, the first is row {row}; correct it."
        )
    return mates.cast(pl.Int64).to_numpy()


def _patients(pairs: pl.DataFrame, study: Ints | None) -> Ints | None:
    """Number the patients; None where none is named. A row without one is of its study's own patient."""
    codes = _codes(pairs, "patient_id")
    if codes is None:
        return None
    absent = _values(pairs, "patient_id").is_null().to_numpy()
    if absent.all():
        return None
    if study is not None:
        codes[absent] = len(pairs) + 1 + study[absent]
    return codes


def _codes(pairs: pl.DataFrame, column: str) -> Ints | None:
    """Number the values of a column; an absent value, null or blank, is one of its own."""
    if column not in pairs.columns:
        return None
    values = _values(pairs, column)
    codes = (
        (values.rank("dense").cast(pl.Int64) - 1).to_numpy(writable=True)
        if values.null_count() == 0
        else None
    )
    if codes is None:
        codes = values.fill_null("").rank("dense").cast(pl.Int64).to_numpy(writable=True)
        absent = values.is_null().to_numpy()
        codes[absent] = len(values) + 1 + np.arange(int(absent.sum()))
    return codes


def _values(pairs: pl.DataFrame, column: str) -> pl.Series:
    """Give ids as strings; quoted blanks, which CSV tells from nothing, are absent too."""
    return ids(pairs[column])[0]


def union(first: Pairs, second: Pairs, width: int) -> Pairs:
    """List pairs that are in one list or the other, each once, for columns below a width."""
    keys = np.union1d(first[0] * width + first[1], second[0] * width + second[1])
    return keys // width, keys % width


def difference(first: Pairs, second: Pairs, width: int) -> Pairs:
    """List pairs that are in the first list and not in the second, each once, for columns below a width."""
    keys = np.setdiff1d(first[0] * width + first[1], second[0] * width + second[1])
    return keys // width, keys % width


def _equal(left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """List all (i, j) with left[i] == right[j], in order of i."""
    order = np.argsort(right, kind="stable")
    start = np.searchsorted(right[order], left, "left")
    count = np.searchsorted(right[order], left, "right") - start
    rows = np.repeat(np.arange(len(left)), count)
    offset = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    return rows, order[np.repeat(start, count) + offset]


def _others(rows: Ints, columns: Ints) -> tuple[Ints, Ints]:
    keep = rows != columns
    return rows[keep], columns[keep]
