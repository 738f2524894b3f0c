"""The pass in each direction that was asked for: who asks, who answers, who is not a distractor."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.engines import Engine, choose
from relinkage.linkage.links import Links, difference, union
from relinkage.linkage.ranks import Counts, Pairs, count_both, count_ranks
from relinkage.linkage.runs import AnyStrata, Strata
from relinkage.linkage.settings import AuditSettings, Direction
from relinkage.linkage.strata import Level
from relinkage.linkage.table import ALL, LinkageTable, Standing
from relinkage.linkage.vectors import Vectors


@dataclass(frozen=True)
class Way:
    """One direction: its linkage table, and what the controls need to go through the same pass.

    Attributes:
        table: the linkage table.
        queries: the vectors that ask.
        candidates: the vectors asked about.
        mate: int64, shape (q,): the candidate that is each query's mate.
        left_out: pairs (query, candidate) that are not eligible.
        apart: pairs that are eligible among all candidates and are not hard negatives.
        strata: which candidates each query meets at every level of hard negatives.
        engine: what counted.
    """

    table: LinkageTable
    queries: Vectors
    candidates: Vectors
    mate: NDArray[np.int64]
    left_out: Pairs | None
    apart: Pairs | None
    strata: AnyStrata
    engine: Engine


def link(
    images: Vectors,
    reports: Vectors,
    links: Links,
    settings: AuditSettings,
    hard: Sequence[Level] = (),
    engine: Engine | None = None,
) -> list[Way]:
    """Make the exact pass and fill a table per direction asked for.

    Args:
        images: the image vectors.
        reports: the candidates' vectors, in the order of `links.candidate_row`.
        links: who belongs to whom.
        settings: direction, distractors and engine.
        hard: levels of hard negatives, each inside the one before.
        engine: what counts; the one that the settings name where not given.

    Raises:
        InputError: the engine is not known or cannot run here.
    """
    engine = engine or choose(settings.engine)
    other_patients = settings.distractors == "other-patients"
    # Another report or image of the same study is not a wrong answer, so it is not a distractor either.
    left_out, back_left_out = links.same_study(), links.same_report()
    apart = back_apart = None
    if other_patients:
        left_out = union(left_out, links.same_patient(), len(links.candidate_row))
        back_left_out = union(back_left_out, links.same_patient_queries(), len(links))
    elif hard and settings.hard_negatives_of == "other-patients":
        apart = difference(links.siblings(), left_out, len(links.candidate_row))
        back_apart = difference(links.sibling_queries(), back_left_out, len(links))
    strata = hard[-1].strata if hard else Strata.none(len(images), len(reports))
    turned, itself = strata.turned(links.mate), np.arange(len(images))
    asked = reports.take(links.mate) if settings.direction != "image-to-report" else reports
    forth = back = None
    if settings.direction == "both":
        forth, back = count_both(
            images, reports, links.mate, strata=strata, left_out=left_out, apart=apart,
            reverse_left_out=back_left_out, reverse_apart=back_apart, engine=engine,
        )  # fmt: skip
    elif settings.direction == "image-to-report":
        forth = count_ranks(
            images, reports, links.mate, strata=strata, left_out=left_out, apart=apart, engine=engine
        )
    else:
        back = count_ranks(
            asked, images, itself, strata=turned, left_out=back_left_out, apart=back_apart, engine=engine
        )
    names = [ALL, *(level.name for level in hard)]
    ways = []
    if forth is not None:
        table = _table("image-to-report", links, forth, names)
        ways.append(Way(table, images, reports, links.mate, left_out, apart, strata, engine))
    if back is not None:
        table = _table("report-to-image", links, back, names)
        ways.append(Way(table, asked, images, itself, back_left_out, back_apart, turned, engine))
    return ways


def _table(direction: Direction, links: Links, counts: Counts, names: Sequence[str]) -> LinkageTable:
    standings = {
        name: Standing(counts.eligible[level], counts.above[level], counts.ties[level])
        for level, name in enumerate(names)
    }
    return LinkageTable(direction, links.pairs["pair_id"], links.patient, counts.mate_score, standings)
