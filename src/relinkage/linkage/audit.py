"""The audit: from two sets of vectors and the truth about them to everything a report says.

`audit` makes one exact pass (`ranks`), fills the linkage table and derives every figure from it (`measures`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

import relinkage
from relinkage.errors import InputError
from relinkage.linkage import controls
from relinkage.linkage.links import Links
from relinkage.linkage.measures import (
    FULL,
    Cell,
    Pool,
    Resampling,
    rank_distribution,
    rank_rows,
    recall_rows,
    size,
)
from relinkage.linkage.ranks import Counts, Pairs, count_both, count_ranks
from relinkage.linkage.table import ALL, Direction, LinkageTable, Standing
from relinkage.linkage.vectors import Vectors

SCHEMA = "relinkage.audit/1"
DEFAULT_POOLS: tuple[Pool, ...] = (100, 1000, 10000, FULL)
Distractors = Literal["all", "other-patients"]
Ask = Literal["image-to-report", "report-to-image", "both"]


@dataclass(frozen=True)
class AuditSettings:
    """The choices of an audit.

    Attributes:
        pools: pool sizes; where the caller names none, those of the defaults that fit.
        k: ranks K of Recall@K.
        direction: who asks whom.
        distractors: `other-patients` leaves the patient's other studies out of the pool.
        resampling: intervals and seed.
    """

    pools: tuple[Pool, ...] | None = None
    k: tuple[int, ...] | None = None
    direction: Ask = "image-to-report"
    distractors: Distractors = "all"
    resampling: Resampling = field(default_factory=Resampling)

    def __post_init__(self) -> None:
        for pool in self.pools or ():
            if pool != FULL and (not isinstance(pool, int) or pool < 2):
                raise InputError(f"--pool {pool} is no pool size; give whole numbers from 2 up, or full.")
        for k in self.k or ():
            if k < 1:
                raise InputError(f"--k {k} is no rank; give whole numbers from 1 up.")
        for name, value, allowed in (
            ("--direction", self.direction, get_args(Ask)),
            ("--distractors", self.distractors, get_args(Distractors)),
        ):
            if value not in allowed:
                raise InputError(f"{name} {value} is not known; give one of {', '.join(allowed)}.")
        if not 0 < self.resampling.level < 1:
            raise InputError(
                f"--intervals {self.resampling.level} is no level; give a number between 0 and 1."
            )
        if self.resampling.replicates < 100:
            raise InputError(f"--replicates {self.resampling.replicates} is too few; give at least 100.")


@dataclass(frozen=True)
class Audit:
    """What an audit leaves: the result for machines and the tables it follows from.

    Attributes:
        result: the content of `audit.json` (schema `relinkage.audit/1`).
        tables: a linkage table per direction.
    """

    result: dict[str, Any]
    tables: list[LinkageTable]


def audit(
    images: NDArray[Any],
    reports: NDArray[Any],
    links: Links | None = None,
    settings: AuditSettings | None = None,
    *,
    name: str = "audit",
    inputs: Mapping[str, Any] | None = None,
    labels: tuple[str, str] = ("--images", "--reports"),
) -> Audit:
    """Measure how well images find their reports by cosine similarity.

    Args:
        images: float16, float32 or float64, shape (queries, d).
        reports: the same, shape (reports, d).
        links: which report belongs to which image; row by row where not given.
        settings: the choices; the defaults where not given.
        name: what the report calls the audited model.
        inputs: what made the vectors, copied into the result.
        labels: how messages name the two arrays.

    Raises:
        InputError: shapes, values, mates or settings do not fit; the message says which and what to do.
    """
    settings = settings or AuditSettings()
    _check_widths(images, reports, labels)
    links = links or Links.row_by_row(len(images), len(reports))
    image_vectors = Vectors.prepare(images, labels[0])
    report_vectors = Vectors.prepare(_rows(reports, links.candidate_row), labels[1])
    ways = _link(image_vectors, report_vectors, links, settings)
    notes = _notes(links)
    cells, chosen = _cells(ways[0].table.standings[ALL], settings, notes)
    curve = [
        Cell(pool, k) for pool in _curve(ways[0].table.standings[ALL]) for k in sorted({c.k for c in cells})
    ]
    result: dict[str, Any] = {
        "schema": SCHEMA,
        "version": relinkage.__version__,
        "name": name,
        "queries": len(links),
        "candidates": len(report_vectors),
        "dimension": image_vectors.dimension,
        "patients": links.patients,
        "patients_known": links.patients_known,
        "studies": links.studies,
        "inputs": dict(inputs or {}),
        "settings": _describe(settings, cells),
    }
    closed, shown, ranks, spread, checks = [], [], [], [], []
    for way in ways:
        rows = recall_rows(way.table, [*cells, *curve], settings.resampling)
        closed += rows[: len(cells)]
        shown += [row for row in rows[len(cells) :] if row["k"] <= row["pool"]]
        ranks += rank_rows(way.table, chosen, settings.resampling)
        spread.append(rank_distribution(way.table))
        checks += _check_controls(way, cells, settings.resampling)
    text = links.text if links.text is not None else report_vectors.identity
    result |= {
        "closed_set": closed,
        "curve": shown,
        "ranks": ranks,
        "rank_distribution": spread,
        "open_set": [],
        "controls": checks,
        "duplicates": {"known": links.text is not None, **controls.recall_ceiling(links, text)},
        "notes": notes,
    }
    return Audit(result, [way.table for way in ways])


@dataclass(frozen=True)
class _Way:
    """One direction: its table, and what the scrambled control needs to go through the same pass."""

    table: LinkageTable
    queries: Vectors
    candidates: Vectors
    left_out: Pairs | None


def _link(images: Vectors, reports: Vectors, links: Links, settings: AuditSettings) -> list[_Way]:
    """Make the pass and fill a table per direction asked for."""
    apart = settings.distractors == "other-patients"
    left_out = links.same_patient() if apart else None
    # Another image of the same study is not a wrong answer, so it is no distractor either.
    back_left_out = _union(links.same_report(), links.same_patient_queries() if apart else None, len(links))
    ways = []
    if settings.direction == "both":
        forth, back = count_both(
            images, reports, links.mate, left_out=left_out, reverse_left_out=back_left_out
        )
    elif settings.direction == "image-to-report":
        forth, back = count_ranks(images, reports, links.mate, left_out=left_out), None
    else:
        forth = None
        asked = reports.take(links.mate)
        back = count_ranks(asked, images, np.arange(len(images)), left_out=back_left_out)
    if forth is not None:
        ways.append(_Way(_table("image-to-report", links, forth), images, reports, left_out))
    if back is not None:
        asked = reports.take(links.mate)
        ways.append(_Way(_table("report-to-image", links, back), asked, images, back_left_out))
    return ways


def _table(direction: Direction, links: Links, counts: Counts) -> LinkageTable:
    standing = Standing(counts.eligible[0], counts.above[0], counts.ties[0])
    return LinkageTable(direction, links.pairs["pair_id"], links.patient, counts.mate_score, {ALL: standing})


def _union(first: Pairs, second: Pairs | None, size: int) -> Pairs:
    if second is None:
        return first
    keys = np.union1d(first[0] * size + first[1], second[0] * size + second[1])
    return keys // size, keys % size


def _check_widths(images: NDArray[Any], reports: NDArray[Any], labels: tuple[str, str]) -> None:
    if images.ndim == reports.ndim == 2 and images.shape[1] != reports.shape[1]:
        raise InputError(
            f"{labels[0]} has {images.shape[1]} dimensions and {labels[1]} has {reports.shape[1]}, so they "
            "share no space; train heads on them first (`relinkage align EMB --out HEADS`, then "
            "`relinkage audit EMB --heads HEADS`)."
        )


def _rows(reports: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    return reports if np.array_equal(rows, np.arange(len(reports))) else reports[rows]


def _cells(standing: Standing, settings: AuditSettings, notes: list[str]) -> tuple[list[Cell], list[Pool]]:
    """Keep the pools and ranks that the gallery can bear; say what was dropped."""
    largest = int(standing.eligible.max())
    asked = settings.pools or DEFAULT_POOLS
    chosen = [pool for pool in asked if pool == FULL or int(pool) <= largest]
    if FULL in chosen and largest == standing.eligible.min():  # the same row would stand twice
        chosen = [pool for pool in chosen if pool != largest]
    dropped = [str(pool) for pool in asked if pool != FULL and int(pool) > largest]
    if not chosen:
        raise InputError(
            f"--pool {','.join(dropped)} is larger than the {largest} eligible candidates; "
            "give smaller sizes, or full."
        )
    if dropped:
        notes.append(
            f"Pools of {', '.join(dropped)} are larger than the {largest} eligible candidates and left out."
        )
    top = max(size(standing, pool) for pool in chosen)
    ks = sorted(set(settings.k or (1, 5, 10)))
    if settings.k and ks[-1] > top:
        raise InputError(f"--k {ks[-1]} is larger than the largest pool, {top}; give smaller ranks.")
    cells = [Cell(pool, k) for pool in chosen for k in ks if k <= size(standing, pool)]
    left = [
        f"Recall@{k} in pools of {size(standing, pool)}"
        for pool in chosen
        for k in ks
        if k > size(standing, pool)
    ]
    if left:
        notes.append(f"Left out, as K is larger than the pool: {', '.join(left)}.")
    return cells, chosen


def _curve(standing: Standing) -> list[Pool]:
    """Pool sizes 2, 5, 10, 20, … below the gallery, then the gallery."""
    least = int(standing.eligible.min())
    steps = [m * 10**e for e in range(10) for m in (1, 2, 5)]
    return [*(n for n in steps if 2 <= n < least), FULL]


def _check_controls(way: _Way, cells: Sequence[Cell], resampling: Resampling) -> list[dict[str, Any]]:
    scrambled = controls.scrambled_mates(
        way.queries, way.candidates, way.table, way.left_out, resampling.seed
    )
    rows = []
    for name, table in (
        (controls.SCRAMBLED, scrambled),
        (controls.RANDOM, controls.random_scorer(way.table, resampling.seed)),
    ):
        rows += [{"control": name, **row} for row in recall_rows(table, cells, resampling)]
    return rows


def _notes(links: Links) -> list[str]:
    notes = []
    if not links.patients_known:
        notes.append(
            "Patients are not known: every study counts as a patient of its own, and intervals are too "
            "narrow where patients repeat."
        )
    rows = len(links.candidate_row)
    if rows < len(links) and "candidate" not in links.pairs.columns:
        notes.append(f"The {len(links)} images belong to {rows} studies; a study's report is one candidate.")
    return notes


def _describe(settings: AuditSettings, cells: Sequence[Cell]) -> dict[str, Any]:
    return {
        "pools": list(dict.fromkeys(cell.pool for cell in cells)),
        "k": sorted({cell.k for cell in cells}),
        "direction": settings.direction,
        "distractors": settings.distractors,
        "interval": settings.resampling.level,
        "replicates": settings.resampling.replicates,
        "seed": settings.resampling.seed,
        "engine": "cpu",
    }
