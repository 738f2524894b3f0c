"""Hard negatives: distractors that share the query's labels, view and whatever else is named (THEORY 3)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from relinkage.cohorts.cells import is_label, label_values, present, years
from relinkage.errors import InputError
from relinkage.linkage.links import Links
from relinkage.linkage.ranks import Strata
from relinkage.linkage.rows import LevelRow
from relinkage.linkage.settings import AuditSettings, Uncertain
from relinkage.linkage.table import Standing

Ints = NDArray[np.int64]

LABELS = "labels"
_IDS = ("pair_id", "candidate", "study_id", "patient_id", "report_hash", "report_row", "report_words")
_NO_LABELS = (*_IDS, "split", "view", "sex", "age")  # sex as 0 and 1 is no finding
_UNCERTAIN_VALUE = {"own": -1.0, "positive": 1.0, "negative": 0.0, "absent": None}
AGE_DECADE, LENGTH_QUARTILE = "age decade", "report-length quartile"


@dataclass(frozen=True)
class Level:
    """One level of hard negatives.

    Attributes:
        name: what rows of the audit call it, such as `labels+view`.
        columns: the columns that distractors share with the query.
        query: int64, shape (q,): the query's stratum, that of its mate.
        candidate: int64, shape (m,): the candidate's stratum, -1 where nothing is known of it.
        mate: int64, shape (q,): the candidate that is the query's mate.
        blank: bool, shape (q,): whether the query's study lacks a value in one of the columns, but for
            labels.
    """

    name: str
    columns: tuple[str, ...]
    query: Ints
    candidate: Ints
    mate: Ints
    blank: NDArray[np.bool_]


def label_columns(pairs: pl.DataFrame) -> tuple[str, ...]:
    """Find the label columns of a table: those that hold 1, 0, -1 and cells without a value."""
    return tuple(c for c in pairs.columns if c not in _NO_LABELS and is_label(pairs[c]))


def levels(links: Links, wanted: AuditSettings, labels: Sequence[str] | None = None) -> list[Level]:
    """Work out the strata that were asked for, coarse to fine; each lies inside the one before.

    Where a study has several images that differ in a column (a frontal and a lateral view), its stratum is
    the set of their values: a report is about the study, and its mate must lie inside its own stratum.

    Args:
        links: queries with their columns.
        wanted: their columns, or the ladder, and what an uncertain label counts as.
        labels: the label columns; found by their values where not given.

    Raises:
        InputError: a column is not there, or there are no label columns.
    """
    known = label_columns(links.pairs) if labels is None else tuple(labels)
    made: list[Level] = []
    stratum = np.zeros(len(links), np.int64)
    blank = np.zeros(len(links), np.bool_)
    for name, columns in _steps(links.pairs, wanted, known):
        before = made[-1].columns if made else ()
        for column in columns:
            if column not in before:
                codes = _codes(links.pairs, column, known, wanted.uncertain)
                if column not in known:
                    blank = blank | (codes == 0)
                stratum = _combine(stratum, codes)
        candidate = _of_candidates(stratum, links)
        gone = np.unique(links.mate[blank])
        blank = np.isin(links.mate, gone)
        if wanted.missing == "exclude":  # each blank is alone, and a query without distractors has no row
            candidate[gone] = candidate.max() + 1 + np.arange(len(gone))
        if made:  # numbers rise with those of the coarser level, so that each stratum is a run of one order
            unknown = bool((candidate < 0).any())
            candidate = _combine(made[-1].candidate + 1, candidate + 1) - unknown
        made.append(Level(name, columns, candidate[links.mate], candidate, links.mate, blank))
    return made


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


def nested(made: Sequence[Level]) -> Strata | None:
    """Give the levels as the exact pass wants them."""
    if not made:
        return None
    return Strata(np.stack([level.query for level in made]), np.stack([level.candidate for level in made]))


def told(made: Sequence[Level], links: Links, wanted: AuditSettings) -> list[str]:
    """Return what a person has to know of the strata, a sentence each."""
    notes = []
    for level in made:
        count, few = int(level.blank.sum()), "no value in a column other than labels"
        if count and wanted.missing == "own":
            notes.append(
                f"{level.name}: {count} of {len(links)} queries have {few} and form strata of their own, "
                "often small ones; an attacker who lacks a value searches more candidates and links less, so "
                "the row may be too high. `--missing exclude` leaves them out."
            )
        elif count:
            notes.append(
                f"{level.name}: {count} of {len(links)} queries have {few} and are left out, as are their "
                "reports as candidates of others."
            )
    apart = wanted.distractors == "other-patients" or not links.patients_known
    if made and not apart and _siblings(made[0], links):
        notes.append(
            "Inside strata a patient's other studies are distractors too; hard negatives of other patients "
            "alone come with `--distractors other-patients`."
        )
    return notes


def _siblings(level: Level, links: Links) -> bool:
    """Say whether some query meets another study of its patient in its stratum."""
    rows, columns = links.same_patient()
    return bool((level.query[rows] == level.candidate[columns]).any())


def describe(level: Level, standing: Standing, uncertain: Uncertain) -> LevelRow:
    """Say what a level is and how large its strata are, for the report."""
    strata, sizes = np.unique(level.candidate[level.candidate >= 0], return_counts=True)
    return LevelRow(
        negatives=level.name,
        columns=level.columns,
        uncertain=uncertain,
        strata=len(strata),
        largest=int(sizes.max()),
        median_stratum_of_a_query=float(np.median(standing.eligible)),
        alone=float((standing.eligible < 2).mean()),
    )


def knowing_only(level: Level, seed: int, width: int = 8) -> NDArray[np.float64]:
    """Give vectors of a scorer that knows the stratum and nothing else; it must sit on chance inside strata.

    Every stratum has a random direction of its own, so inside it all candidates tie.

    Returns:
        float64, shape (strata + 1, width): the vector of each stratum, the last for candidates without one.
    """
    number = int(max(level.query.max(), level.candidate.max())) + 2
    return np.random.default_rng([seed, 3]).standard_normal((number, width))


def _steps(
    pairs: pl.DataFrame, wanted: AuditSettings, labels: tuple[str, ...]
) -> list[tuple[str, tuple[str, ...]]]:
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
        elif column in pairs.columns:
            out.append(column)
        else:
            raise InputError(
                f"--hard-negatives names {column}, which is no column of the pairs; name one that is."
            )
    return tuple(dict.fromkeys(out))


def _codes(pairs: pl.DataFrame, column: str, labels: tuple[str, ...], uncertain: Uncertain) -> Ints:
    """Number the values of a column; an absent value is 0, one of its own."""
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
