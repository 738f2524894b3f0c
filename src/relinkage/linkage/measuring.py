"""The audit: from two sets of vectors and the truth about them to everything a report says.

`audit` makes one exact pass (`ways`), fills the linkage table and derives every figure from it (`measures`).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

import relinkage
from relinkage.embeddings.given import no_shared_space
from relinkage.embeddings.stored import Matrix
from relinkage.errors import InputError
from relinkage.linkage import controls
from relinkage.linkage.columns import label_columns
from relinkage.linkage.engines import Engine, in_blocks
from relinkage.linkage.engines import choose as choose_engine
from relinkage.linkage.entropy import entropy_row
from relinkage.linkage.gallery import gallery_widening
from relinkage.linkage.grid import Grid, grid, hard_grid, said_of_strata
from relinkage.linkage.links import Links
from relinkage.linkage.measures import closed_set_rows, rank_distribution, recall_rows, size, sizes
from relinkage.linkage.notes import effective_patients, notes_on
from relinkage.linkage.open_set import OpenSet, open_set
from relinkage.linkage.result import AuditResult, Inputs
from relinkage.linkage.risk import risk_pool, risk_row
from relinkage.linkage.rows import Control, ControlRow, EntropyRow, RankDistribution, RankRow, RecallRow
from relinkage.linkage.score_rows import ScoreRows, depth_for, most_queries, score_rows
from relinkage.linkage.settings import AuditSettings, PoolSize
from relinkage.linkage.several_reports import candidates_of, said_of_several
from relinkage.linkage.strata import Level, describe, levels, told
from relinkage.linkage.table import ALL, LinkageTable
from relinkage.linkage.targets import target_rows
from relinkage.linkage.thresholds import Halves, check_rates, sample_size
from relinkage.linkage.vectors import Vectors
from relinkage.linkage.verdict import strict_level
from relinkage.linkage.ways import Way, link
from relinkage.threads import one_thread_each

_NO_HALVES = "The open set has no rows: it deals patients into two halves, and there is one patient."


@dataclass(frozen=True)
class Measurement:
    """What an audit leaves: the result for machines and the tables it follows from.

    Attributes:
        result: the content of `audit.json`.
        tables: a linkage table per direction.
    """

    result: AuditResult
    tables: list[LinkageTable]


def measure(
    images: Matrix,
    reports: Matrix,
    links: Links | None = None,
    settings: AuditSettings | None = None,
    *,
    name: str = "audit",
    inputs: Inputs | None = None,
    sources: tuple[str, str] = ("--images", "--reports"),
    labels: Sequence[str] | None = None,
    engine: Engine | None = None,
) -> Measurement:
    """Measure how well images find their reports by cosine similarity.

    Args:
        images: float16, float32 or float64, shape (queries, d); what lies on disk is read block by block.
        reports: the same, shape (reports, d).
        links: which report belongs to which image; row by row where not given.
        settings: the choices; the defaults where not given.
        name: what the report calls the audited model.
        inputs: what made the vectors, copied into the result.
        sources: how messages name the two arrays.
        labels: the label columns of the links; found by their values where not given.
        engine: what counts; the one that the settings name where not given.

    Raises:
        InputError: shapes, values, mates or settings do not fit; the message says which and what to do.
    """
    settings = settings or AuditSettings()
    engine = in_blocks(engine or choose_engine(settings.engine))
    _check_widths(images, reports, sources)
    links = links or Links.row_by_row(len(images), len(reports))
    labels = label_columns(links.pairs) if labels is None else labels
    alone = bool(settings.open_set) and links.patients == 1
    if alone:
        settings = msgspec.structs.replace(settings, open_set=())
    with ThreadPoolExecutor() as side_by_side:
        image_side = side_by_side.submit(Vectors.prepare, images, sources[0])
        report_side = Vectors.prepare(reports, sources[1])
        found = candidates_of(links, report_side, settings.several_reports, sources[1])
        links, report_vectors = found.links, found.vectors
        hard = levels(links, settings, labels) if settings.hard_negatives or settings.ladder else []
    image_vectors = image_side.result()
    ways = link(image_vectors, report_vectors, links, settings, hard, engine)
    _check_distractors(ways, settings)
    rows = grid(ways[0].table.standings[ALL], settings)
    harder = [[hard_grid(way.table.standings[level.name], settings) for level in hard] for way in ways]
    missing = said_of_strata(hard, harder, settings)
    strict = strict_level(_looks(ways, links, rows, harder, settings))
    pool = risk_pool([way.table for way in ways], settings.risk_pool)
    wider = [_gallery(way, links, rows, settings) for way in ways]
    sampled = [_sample(way, rows.pools, settings) for way in ways]
    # More at a time than threads would push each other out of the caches, and products of several threads
    # would wait for each other. What takes longest goes first.
    with one_thread_each() as threads, ThreadPoolExecutor(threads) as side_by_side:
        looks = [
            side_by_side.submit(_look_closely, way, *sample, rows.pools, settings)
            for way, sample in zip(ways, sampled, strict=True)
        ]
        measured = [
            side_by_side.submit(
                _measure, way, level, cells, hard, strict, settings, times if level is None else None
            )
            for way, inside, times in zip(ways, harder, wider, strict=True)
            for level, cells in zip((None, *hard), (rows, *inside), strict=True)
        ]
        risks = [
            side_by_side.submit(risk_row, way.table, pool, links.pairs, labels, settings) for way in ways
        ]
        targets, said = target_rows(
            ways, links, rows.cells, settings, patients=settings.patient_level, strict=strict
        )
    parts = [part.result() for part in measured]
    entropy, open_sets = zip(*(look.result() for look in looks), strict=True)
    text = links.text if links.text is not None else report_vectors.identity
    result = AuditResult(
        version=relinkage.__version__,
        name=name,
        queries=len(links),
        candidates=len(report_vectors),
        dimension=image_vectors.dimension,
        patients=links.patients,
        effective_patients=effective_patients(links),
        patients_known=links.patients_known,
        studies=links.studies,
        inputs=inputs or Inputs(),
        settings=_resolved(settings, rows, pool, ways[0].engine),
        closed_set=tuple(row for part in parts for row in part.closed_set),
        curve=tuple(row for part in parts for row in part.curve),
        ranks=tuple(row for part in parts for row in part.ranks),
        rank_distribution=tuple(part.rank_distribution for part in parts),
        controls=tuple(row for part in parts for row in part.controls),
        strata=tuple(describe(level, ways[0].table.standings[level.name], settings) for level in hard),
        entropy=entropy,
        open_set=tuple(row for found in open_sets for row in found.rows),
        det=tuple(curve for found in open_sets for curve in found.curves),
        open_set_sample=max(len(half) for halves, _ in sampled for half in (halves.first, halves.second)),
        targets=tuple(targets),
        risk=tuple(risk.result() for risk in risks),
        duplicates=controls.recall_ceiling(links, text),
        notes=(
            *notes_on(links),
            *said_of_several(found, settings.several_reports),
            *told(hard, links, settings),
            *rows.dropped,
            *missing,
            *said,
            *_once(open_sets),
            *[_NO_HALVES] * alone,
        ),
    )
    return Measurement(result, [way.table for way in ways])


@dataclass(frozen=True)
class _Part:
    """The rows of one direction, over all distractors or inside one level of strata."""

    closed_set: Sequence[RecallRow]
    curve: Sequence[RecallRow]
    ranks: Sequence[RankRow]
    rank_distribution: RankDistribution
    controls: Sequence[ControlRow]


def _measure(
    way: Way,
    level: Level | None,
    rows: Grid,
    hard: Sequence[Level],
    strict: float,
    settings: AuditSettings,
    gallery: NDArray[np.float64] | None,
) -> _Part:
    """Derive one direction's rows, over all distractors or inside one level of strata."""
    name = ALL if level is None else level.name
    standing = way.table.standings[name]
    # A pool that fits one direction may have no query in the other, and then there is no row for it.
    shown = sum(bool((sizes(standing, cell.pool) <= standing.eligible).any()) for cell in rows.cells)
    cells = [*rows.cells, *rows.curve]
    recalls, ranks = closed_set_rows(way.table, cells, rows.pools, settings, name, strict, gallery)
    return _Part(
        recalls[:shown],
        recalls[shown:],
        ranks,
        rank_distribution(way.table, name),
        _check_controls(way, level, rows, settings, strict_level(_control_looks(hard, rows, settings))),
    )


def _gallery(way: Way, links: Links, rows: Grid, settings: AuditSettings) -> NDArray[np.float64] | None:
    """Give by how much intervals widen where the gallery varies too; None where it is held fixed."""
    if settings.varies == "patients":
        return None
    return gallery_widening(way, links, [*rows.cells, *rows.curve])


def _sample(way: Way, chosen: Sequence[PoolSize], settings: AuditSettings) -> tuple[Halves, ScoreRows]:
    """Give a sample of queries with all of their scores, for what needs more than the linkage table."""
    standing, depth = way.table.standings[ALL], 0
    if settings.open_set:
        depth = depth_for(min(size(standing, pool) for pool in chosen) - 1, len(way.candidates))
    most = sample_size(len(way.table), len(way.candidates), settings.open_set)
    halves = Halves.deal(way.table.patient, settings.seed, min(most, most_queries(depth) // 2))
    check_rates(halves, settings.open_set)
    query = np.concatenate([halves.first, halves.second])
    return halves, score_rows(way, query, depth, settings.tau)


def _look_closely(
    way: Way, halves: Halves, scores: ScoreRows, chosen: Sequence[PoolSize], settings: AuditSettings
) -> tuple[EntropyRow, OpenSet]:
    """Derive what the sample tells: entropy and open set."""
    entropy = entropy_row(way, scores, settings.tau, settings)
    if not settings.open_set:
        return entropy, OpenSet()
    return entropy, open_set(way, scores, halves, chosen, settings.open_set, settings)


def _once(open_sets: Sequence[OpenSet]) -> list[str]:
    """Give the notes of both directions, each once."""
    return list(dict.fromkeys(note for found in open_sets for note in found.notes))


def _control_looks(hard: Sequence[Level], rows: Grid, settings: AuditSettings) -> int:
    """Count the control rows that are looked at together, so that few sound audits show one off chance."""
    return (2 + len(hard)) * (2 if settings.direction == "both" else 1) * max(len(rows.cells), 1)


def _looks(
    ways: Sequence[Way],
    links: Links,
    rows: Grid,
    harder: Sequence[Sequence[Grid]],
    settings: AuditSettings,
) -> int:
    """Count the other rows that are looked at together, or some more: not every one may be there."""
    targets = (links.text is not None) + settings.patient_level
    inside = sum(len(cells.cells) for of_way in harder for cells in of_way)
    return len(ways) * (1 + targets) * len(rows.cells) + inside


def _check_controls(
    way: Way, level: Level | None, rows: Grid, settings: AuditSettings, strict: float
) -> list[ControlRow]:
    seed = settings.seed
    tables: dict[Control, LinkageTable]
    if level is None:
        name = ALL
        tables = {
            controls.SCRAMBLED: controls.scrambled_mates(way, seed),
            controls.RANDOM: controls.random_scorer(way.table, seed),
        }
    else:
        name = level.name
        tables = {controls.STRATUM: controls.stratum_scorer(way, level, seed)}
    return [
        ControlRow(control=control, **msgspec.structs.asdict(row))
        for control, table in tables.items()
        for row in recall_rows(table, rows.cells, settings, name, strict)
    ]


def _check_widths(images: Matrix, reports: Matrix, sources: tuple[str, str]) -> None:
    if len(images.shape) == len(reports.shape) == 2 and images.shape[1] != reports.shape[1]:
        raise no_shared_space(sources, (int(images.shape[1]), int(reports.shape[1])))


def _check_distractors(ways: Sequence[Way], settings: AuditSettings) -> None:
    apart = " `--distractors other-patients` leaves out those of the query's own patient."
    for way in ways:
        if way.table.standings[ALL].eligible.max() < 2:
            raise InputError(
                f"Every query {way.table.direction} has one eligible candidate, its mate; an audit needs at "
                f"least two.{apart if settings.distractors == 'other-patients' else ''}"
            )


def _resolved(settings: AuditSettings, rows: Grid, risk: PoolSize, engine: Engine) -> AuditSettings:
    """Give the settings as they took effect."""
    return msgspec.structs.replace(
        settings,
        pool=tuple(dict.fromkeys(cell.pool for cell in rows.cells)),
        k=tuple(sorted({cell.k for cell in rows.cells})),
        temperature=settings.tau,
        risk_pool=risk,
        engine=engine.name,
    )
