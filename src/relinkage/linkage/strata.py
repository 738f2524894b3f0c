"""Hard negatives: distractors that share the query's labels, view and whatever else is named (THEORY 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from relinkage.linkage.columns import label_columns, named_levels, numbered
from relinkage.linkage.links import MANY, Links
from relinkage.linkage.rows import LevelRow
from relinkage.linkage.runs import AnyStrata, Strata
from relinkage.linkage.settings import AuditSettings
from relinkage.linkage.table import Standing
from relinkage.linkage.wildcards import filled, strata_that_fit

Ints = NDArray[np.int64]
Steps = Sequence[tuple[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Level:
    """One level of hard negatives.

    Attributes:
        name: what rows of the audit call it, such as `labels+view`.
        columns: the columns that distractors share with the query.
        strata: which candidates each query meets, at this level and at the coarser ones before it.
        query: int64, shape (q,): a number for the values of the query's study in these columns.
        candidate: int64, shape (m,): the same of each candidate, -1 where nothing is known of it.
        blank: bool, shape (q,): whether the query's study lacks a value in one of the columns, but for
            labels.
    """

    name: str
    columns: tuple[str, ...]
    strata: AnyStrata
    query: Ints
    candidate: Ints
    blank: NDArray[np.bool_]


def levels(links: Links, wanted: AuditSettings, labels: Sequence[str] | None = None) -> list[Level]:
    """Work out the strata that were asked for, coarse to fine; each lies inside the one before.

    Where a study has several images that differ in a column (a frontal and a lateral view), its stratum is
    the set of their values: a report is about the study, and its mate must lie inside its own stratum.

    Args:
        links: queries with their columns.
        wanted: their columns, or the ladder, what an uncertain label counts as, and what a blank means.
        labels: the label columns; found by their values where not given.

    Raises:
        InputError: a column is not there, there are no label columns, or blanks that fit everything would
            cut the pass into too many parts.
    """
    known = label_columns(links.pairs) if labels is None else tuple(labels)
    steps = named_levels(links.pairs, wanted, known)
    codes = {column: numbered(links.pairs, column, known, wanted.uncertain) for column in steps[-1][1]}
    if wanted.missing == "wildcard":
        codes = {c: values if c in known else filled(values, links) for c, values in codes.items()}
    lacking = [_lacking(columns, known, codes, links) for _, columns in steps]
    if wanted.missing == "exclude":
        numbers = _numbers(links, steps, known, codes, lacking)
    else:
        numbers = _numbers(links, steps, known, codes)
    strata: AnyStrata = Strata(numbers[:, links.mate], numbers)
    if wanted.missing == "wildcard":
        fitting = partial(_numbers, links, steps, known, open_to_all=True)
        strata = strata_that_fit(codes, known, links, [columns for _, columns in steps], fitting)
    return [
        Level(name, columns, strata.up_to(place), candidate[links.mate], candidate, lacks[links.mate])
        for place, ((name, columns), candidate, lacks) in enumerate(
            zip(steps, numbers, lacking, strict=True), 1
        )
    ]


def _lacking(
    columns: Sequence[str], labels: Sequence[str], codes: Mapping[str, Ints], links: Links
) -> NDArray[np.bool_]:
    """Say which candidates have an image without a value in a column other than labels: bool, shape (m,)."""
    lacks = np.zeros(len(links.candidate_row), np.bool_)
    for column in columns:
        if column not in labels:
            lacks[links.mate[codes[column] == 0]] = True
    return lacks


def _numbers(
    links: Links,
    steps: Steps,
    labels: Sequence[str],
    codes: Mapping[str, Ints],
    alone: Sequence[NDArray[np.bool_]] | None = None,
    open_to_all: bool = False,
) -> Ints:
    """Number the strata of candidates at every level: int64, shape (levels, m).

    Args:
        links: who belongs to whom.
        steps: the levels' names and columns.
        labels: the label columns.
        codes: by column, a number for the value of each query.
        alone: by level, the candidates that share their stratum with none.
        open_to_all: whether a candidate of which nothing is known lies in the first stratum of a level
            without labels; otherwise its number is -1.
    """
    numbers: list[Ints] = []
    stratum = np.zeros(len(links), np.int64)
    for place, (_, columns) in enumerate(steps):
        before = steps[place - 1][1] if place else ()
        for column in columns:
            if column not in before:
                stratum = _combine(stratum, codes[column])
        candidate = _of_candidates(stratum, links)
        if open_to_all and not {*columns} & {*labels}:
            candidate = np.maximum(candidate, 0)
        if alone is not None:  # a query without distractors has no row
            gone = np.flatnonzero(alone[place])
            candidate[gone] = candidate.max() + 1 + np.arange(len(gone))
        if numbers:  # they rise with those of the coarser level, so that each stratum is a run of one order
            unknown = bool((candidate < 0).any())
            candidate = _combine(numbers[-1] + 1, candidate + 1) - unknown
        numbers.append(candidate)
    return np.stack(numbers)


def _combine(coarse: Ints, fine: Ints) -> Ints:
    """Number the pairs of two codes from zero on, in the order of the first and then of the second."""
    return np.unique(coarse * (fine.max() + 1) + fine, return_inverse=True)[1].ravel()


def _of_candidates(stratum: Ints, links: Links) -> Ints:
    """Number the sets of strata that a candidate's images have: int64, shape (m,), -1 where it has none."""
    strata = int(stratum.max()) + 1
    candidate, one = np.divmod(np.unique(links.mate * strata + stratum), strata)
    out = np.full(len(links.candidate_row), -1, np.int64)
    out[candidate] = one
    several = np.bincount(candidate)[candidate] > 1
    if several.any():  # most have one, and a set of one needs no name of its own
        sets = (
            pl.DataFrame({"candidate": candidate[several], "stratum": one[several]})
            .group_by("candidate")
            .agg(pl.col("stratum").sort().cast(pl.String))
            .with_columns(pl.col("stratum").list.join(" ").rank("dense").cast(pl.Int64))
        )
        out[sets["candidate"].to_numpy()] = strata - 1 + sets["stratum"].to_numpy()
    return out


def told(made: Sequence[Level], links: Links, wanted: AuditSettings) -> list[str]:
    """Return what a person has to know of the strata, a sentence each."""
    notes = []
    for level in made:
        count = int(level.blank.sum())
        if count:
            few = f"{level.name}: {count} of {len(links)} queries have no value in a column other than labels"
            notes.append(f"{few} {_OF_BLANKS[wanted.missing]}")
    return [*notes, *_of_siblings(made, links, wanted)] if made else []


_OF_BLANKS = {
    "wildcard": "and search all values of it. An attacker who can see on both sides which studies lack a "
    "value searches those alone: `--missing own`.",
    "own": "and form strata of their own, often small ones; an attacker who lacks a value searches more "
    "candidates and links less, so the row may be too high: `--missing wildcard`.",
    "exclude": "and are left out, as are their reports as candidates of others.",
}


def _of_siblings(made: Sequence[Level], links: Links, wanted: AuditSettings) -> list[str]:
    """Return what is to be known of other studies of the query's own patient."""
    if not links.patients_known:
        return ["Patients are not known, so hard negatives may be of the query's own patient."]
    crowded = len(np.unique(links.patient[links.crowded()]))
    if wanted.hard_negatives_of == "other-patients" and wanted.distractors == "all" and crowded:
        return [
            f"{crowded} patients have more than {MANY} images each and are taken for ids that stand for many "
            "people: their other studies stay among the hard negatives. Leave patient_id blank where the "
            "patient is unknown."
        ]
    if wanted.hard_negatives_of == "all" and _meets_siblings(made[0], links):
        return [
            "Inside strata a patient's other studies are distractors too, as `--hard-negatives-of all` asks."
        ]
    return []


def _meets_siblings(level: Level, links: Links) -> bool:
    """Say whether some query meets another study of its patient that has the same values."""
    rows, columns = links.siblings()
    return bool((level.query[rows] == level.candidate[columns]).any())


def describe(level: Level, standing: Standing, wanted: AuditSettings) -> LevelRow:
    """Say what a level is and how many candidates its queries meet, for the report."""
    shared = level.query[~level.blank] if wanted.missing == "exclude" else level.query
    return LevelRow(
        negatives=level.name,
        columns=level.columns,
        uncertain=wanted.uncertain,
        strata=len(np.unique(shared)),
        largest=int(standing.eligible.max()),
        median_stratum_of_a_query=float(np.median(standing.eligible)),
        alone=float((standing.eligible < 2).mean()),
    )
