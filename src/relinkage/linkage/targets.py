"""What else counts as a hit: any report with the mate's text, any candidate of the mate's patient (THEORY 2).

Study-level rows (`measures`) ask for the one mate. `target_rows` gives the same rows for the two wider
targets. Text-level rows follow from the linkage table and one more integer a query; patient-level rows need
a second pass for the queries whose best candidate of the patient is not the mate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from relinkage.linkage import scores_and_ties
from relinkage.linkage.first_hit import (
    chance_of_patient,
    chance_of_text,
    recall_of_patient,
    recall_of_text,
)
from relinkage.linkage.links import MANY, Links
from relinkage.linkage.measures import Cell, by_pool, rows_of, size, sizes
from relinkage.linkage.ranks import Pairs, count_ranks
from relinkage.linkage.rows import TargetRow
from relinkage.linkage.settings import FULL, Resampling
from relinkage.linkage.table import ALL, Standing
from relinkage.linkage.vectors import score_pairs
from relinkage.linkage.ways import Way

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

TEXT: Literal["text"] = "text"
PATIENT: Literal["patient"] = "patient"


@dataclass(frozen=True)
class PatientStanding:
    """How the best candidate of each query's patient stands among the candidates of others.

    Attributes:
        own: int64, shape (q,): candidates of the patient; 0 where the query is left out, as they are more
            than `MANY`.
        own_ties: int64, shape (q,): how many of them score best, at least 1.
        others: eligible candidates, the best own one included and no other own one; those above and tied.
    """

    own: Ints
    own_ties: Ints
    others: Standing


def target_rows(
    ways: Sequence[Way],
    links: Links,
    cells: Sequence[Cell],
    resampling: Resampling,
    *,
    patients: bool,
    strict: float = 0.999,
) -> tuple[list[TargetRow], list[str]]:
    """Give recall rows over all distractors for wider targets than the mate.

    Args:
        ways: the directions that were linked.
        links: who belongs to whom, as `link` was given it.
        cells: pools and ranks.
        resampling: how intervals are made.
        patients: whether to give patient-level rows, at the cost of up to a second pass for each direction.
        strict: as in `measures.recall_rows`.

    Returns:
        Rows with the fields of `measures.recall_rows` and `target`: "text" for image-to-report where texts
        are known, "patient" for every direction; and a sentence for each thing that has no row.
    """
    rows: list[TargetRow] = []
    notes: list[str] = []
    for way in ways:
        if way.table.direction == "image-to-report" and links.text is not None:
            if _alike(way, links.text):
                rows += _text_rows(way, links.text, cells, resampling, strict)
            else:
                notes.append(
                    "Text-level linkage is left out, as reports of one text have different vectors; give "
                    "every report of a text the same vector."
                )
        if patients and links.patients_known:
            standing = patient_standing(way, links)
            found = _patient_rows(way, standing, cells, resampling, strict)
            rows += found
            notes += [*_crowded(way, links, standing), *_without_rows(way, cells, found)]
    if patients and not links.patients_known:
        notes.append("Patient-level linkage is left out, as patients are not known; give patient_id.")
    return rows, notes


def same_text(way: Way, text: Ints) -> Ints:
    """Count the eligible distractors that have the text of each query's mate: int64, shape (q,).

    Args:
        way: the direction image-to-report.
        text: int64, shape (m,): a number per distinct text.
    """
    _, which, members = np.unique(text, return_inverse=True, return_counts=True)
    own = which.ravel()[way.mate]
    shared = members[own] - 1
    if way.left_out is not None:
        rows, columns = way.left_out
        gone = (which.ravel()[columns] == own[rows]) & (columns != way.mate[rows])
        shared -= np.bincount(rows[gone], minlength=len(shared))
    return shared


def patient_standing(way: Way, links: Links) -> PatientStanding:
    """Find each query's best candidate of its patient and count the others' candidates above and tied.

    The mate is the best where no other own candidate scores above it by more than the tie of 2⁻⁴⁰; then the
    table's counts hold, less the own candidates in them. The other queries are asked in a further pass.

    Args:
        way: the direction.
        links: who belongs to whom.
    """
    queries, candidates = len(way.queries), len(way.candidates)
    known, crowded = _without_crowded(way, links)
    # What the table left out stands apart: it is not in the table's counts.
    (rows, columns), listed = _own(way, known, crowded)
    score = score_pairs(way.queries, rows, way.candidates, columns)
    mate_score = way.table.mate_score
    top = mate_score.copy()
    np.maximum.at(top, rows, score)
    behind = top > mate_score + scores_and_ties.TIE
    best, best_score = way.mate.copy(), np.where(behind, top, mate_score)
    leading = behind[rows] & (score == best_score[rows])
    best[rows[leading]] = columns[leading]
    identity = way.candidates.identity
    tied = (score >= best_score[rows] - scores_and_ties.TIE) | (identity[columns] == identity[best[rows]])

    own = 1 + np.bincount(rows, minlength=queries)
    own_ties = np.bincount(rows[tied], minlength=queries) + ~behind
    eligible = candidates - own + 1
    above = way.table.standings[ALL].above.copy()
    ties = way.table.standings[ALL].ties - np.bincount(rows[tied & listed], minlength=queries)
    asked = np.flatnonzero(behind)
    if len(asked):
        place = np.full(queries, -1)
        place[asked] = np.arange(len(asked))
        inside = behind[rows] & tied  # own candidates below the best count nowhere
        left_out = place[rows[inside]], columns[inside]
        counts = count_ranks(
            way.queries.take(asked), way.candidates, best[asked], left_out=left_out, engine=way.engine
        )
        above[asked], ties[asked] = counts.above[0], counts.ties[0]
    own[crowded] = 0
    return PatientStanding(own, own_ties, Standing(eligible, above, ties))


def _text_rows(
    way: Way, text: Ints, cells: Sequence[Cell], resampling: Resampling, strict: float
) -> list[TargetRow]:
    standing, shared = way.table.standings[ALL], same_text(way, text)
    values, chance = (np.empty((len(way.table), len(cells))) for _ in range(2))
    for pool, places, ks in by_pool(cells):
        of_query = sizes(standing, pool)
        values[:, places] = recall_of_text(
            standing.eligible, standing.above, standing.ties, shared, of_query, ks
        )
        chance[:, places] = chance_of_text(standing.eligible, shared, of_query, ks)
    printed = [size(standing, cell.pool) for cell in cells]
    rows = rows_of(way.table, cells, values, printed, _mean_where_seen(chance, values), resampling, strict)
    return [TargetRow(target=TEXT, **msgspec.structs.asdict(row)) for row in rows]


def _patient_rows(
    way: Way, standing: PatientStanding, cells: Sequence[Cell], resampling: Resampling, strict: float
) -> list[TargetRow]:
    own, others, candidates = standing.own, standing.others, len(way.candidates)
    values, chance = (np.empty((len(way.table), len(cells))) for _ in range(2))
    for pool, places, ks in by_pool(cells):
        whole = candidates if pool == FULL else int(pool)
        # The best own candidate and the N − r others; a query without any other has no value.
        beside = np.where((own > 0) & (whole > own), whole - own + 1, others.eligible + 1)
        values[:, places] = recall_of_patient(
            others.eligible, others.above, others.ties, standing.own_ties, beside, ks
        )
        chance[:, places] = chance_of_patient(own, np.full_like(own, whole), ks)
    printed = [candidates if cell.pool == FULL else int(cell.pool) for cell in cells]
    rows = rows_of(way.table, cells, values, printed, _mean_where_seen(chance, values), resampling, strict)
    return [TargetRow(target=PATIENT, **msgspec.structs.asdict(row)) for row in rows]


def _without_rows(way: Way, cells: Sequence[Cell], found: Sequence[TargetRow]) -> list[str]:
    """Say which pools have no patient-level row."""
    rows = {FULL if row.full else row.pool for row in found}
    gone = [str(pool) for pool in dict.fromkeys(cell.pool for cell in cells) if pool not in rows]
    if not gone:
        return []
    return [
        f"Patient-level linkage ({way.table.direction}) has no row for --pool {','.join(gone)}: no query has "
        "a candidate of another patient there beside all of its own patient's."
    ]


def _mean_where_seen(chance: Floats, values: Floats) -> list[float]:
    """Average each cell's chance over the queries that have a value there; NaN where none has."""
    seen = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return [float(mean) for mean in np.where(seen, chance, 0).sum(axis=0) / seen.sum(axis=0)]


def _alike(way: Way, text: Ints) -> bool:
    """Say whether candidates of one text have one vector, so that they tie for every query."""
    _, first, which = np.unique(text, return_index=True, return_inverse=True)
    identity = way.candidates.identity
    return bool((identity[first][which.ravel()] == identity).all())


def _without_crowded(way: Way, links: Links) -> tuple[Links, NDArray[np.bool_]]:
    """Say which queries' patients have too many candidates, and give links in which those are alone."""
    owner = links.candidate_patient if way.table.direction == "image-to-report" else links.patient
    which = np.unique(np.concatenate([owner, links.patient]), return_inverse=True)[1].ravel()
    crowded = np.bincount(which[: len(owner)], minlength=which.max() + 1)[which[len(owner) :]] > MANY
    alone = -2 - np.arange(len(links))
    return replace(links, patient=np.where(crowded, alone, links.patient)), crowded


def _own(way: Way, links: Links, crowded: NDArray[np.bool_]) -> tuple[Pairs, NDArray[np.bool_]]:
    """List (query, candidate) of one patient but for the mates, and whether the table counts each pair.

    In report-to-image, images of the same report are left out of the table whatever else is; they are of the
    same patient.
    """
    forth = way.table.direction == "image-to-report"
    rows, columns = links.same_patient() if forth else links.same_patient_queries()
    if way.left_out is None:
        return (rows, columns), np.ones(len(rows), np.bool_)
    keep = ~crowded[way.left_out[0]]
    gone = way.left_out[0][keep], way.left_out[1][keep]
    width = len(way.candidates)
    fresh = np.setdiff1d(rows * width + columns, gone[0] * width + gone[1], assume_unique=True)
    pairs = np.concatenate([fresh // width, gone[0]]), np.concatenate([fresh % width, gone[1]])
    return pairs, np.arange(len(pairs[0])) < len(fresh)


def _crowded(way: Way, links: Links, standing: PatientStanding) -> list[str]:
    crowded = standing.own == 0
    if not crowded.any():
        return []
    kind = "reports" if way.table.direction == "image-to-report" else "images"
    return [
        f"Patient-level linkage ({way.table.direction}) leaves out {int(crowded.sum())} queries, as "
        f"{len(np.unique(links.patient[crowded]))} patients have more than {MANY} {kind} each; leave "
        "patient_id blank where the patient is unknown."
    ]
