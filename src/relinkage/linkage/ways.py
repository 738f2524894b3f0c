"""The pass in each direction that was asked for: who asks, who answers, who is no distractor."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.engines import Engine, choose
from relinkage.linkage.links import Links, union
from relinkage.linkage.ranks import Counts, Pairs, Strata, count_both, count_ranks
from relinkage.linkage.settings import AuditSettings, Direction
from relinkage.linkage.strata import Level, nested
from relinkage.linkage.table import ALL, LinkageTable, Standing
from relinkage.linkage.vectors import Vectors


@dataclass(frozen=True)
class Way:
    """One direction: its linkage table, and what the controls need to go through the same pass."""

    table: LinkageTable
    queries: Vectors
    candidates: Vectors
    mate: NDArray[np.int64]
    left_out: Pairs | None
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
    apart = settings.distractors == "other-patients"
    # Another report or image of the same study is not a wrong answer, so it is no distractor either.
    further = links.same_study()
    if apart:
        further = union(further, links.same_patient(), len(links.candidate_row))
    left_out = further if apart or len(further[0]) else None
    back_left_out = links.same_report()
    if apart:
        back_left_out = union(back_left_out, links.same_patient_queries(), len(links))
    strata = nested(hard)
    asked = reports.take(links.mate) if settings.direction != "image-to-report" else reports
    forth = back = None
    if settings.direction == "both":
        forth, back = count_both(
            images, reports, links.mate,
            strata=strata, left_out=left_out, reverse_left_out=back_left_out, engine=engine,
        )  # fmt: skip
    elif settings.direction == "image-to-report":
        forth = count_ranks(images, reports, links.mate, strata=strata, left_out=left_out, engine=engine)
    else:
        turned = None if strata is None else Strata(strata.candidates[:, links.mate], strata.queries)
        itself = np.arange(len(images))
        back = count_ranks(asked, images, itself, strata=turned, left_out=back_left_out, engine=engine)
    names = [ALL, *(level.name for level in hard)]
    ways = []
    if forth is not None:
        table = _table("image-to-report", links, forth, names)
        ways.append(Way(table, images, reports, links.mate, left_out, engine))
    if back is not None:
        table = _table("report-to-image", links, back, names)
        ways.append(Way(table, asked, images, np.arange(len(images)), back_left_out, engine))
    return ways


def _table(direction: Direction, links: Links, counts: Counts, names: Sequence[str]) -> LinkageTable:
    standings = {
        name: Standing(counts.eligible[level], counts.above[level], counts.ties[level])
        for level, name in enumerate(names)
    }
    return LinkageTable(direction, links.pairs["pair_id"], links.patient, counts.mate_score, standings)
