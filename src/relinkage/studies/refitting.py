"""Recall in pools of N by attackers who are fitted on what they attack: fitted anew on every pool drawn.

The closed form over pools takes a pair to score the same in every pool. Where an attacker is fitted on the
gallery it does not, and one who holds N reports fits it on these. So all candidates are dealt into pools of
N, each with the images of its studies, round after round, and each pool is attacked for itself.
"""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from relinkage.attackers import Fitted
from relinkage.attackers.protocol import Floats
from relinkage.embeddings import Embeddings
from relinkage.linkage import AuditSettings, LinkageTable
from relinkage.linkage.measures import Cell, recalls, rows_of
from relinkage.linkage.rows import RecallRow
from relinkage.linkage.settings import DEFAULT_POOLS, DEFAULT_RANKS, FULL
from relinkage.linkage.several_reports import candidates_of
from relinkage.linkage.table import ALL
from relinkage.linkage.vectors import Vectors
from relinkage.linkage.ways import link
from relinkage.progress import progress
from relinkage.studies.auditing import Sides
from relinkage.studies.opening import links_of


def refitted_rows(
    audited: Embeddings,
    attacked: Sides,
    fitted: Fitted,
    tables: Sequence[LinkageTable],
    rounds: int,
    settings: AuditSettings,
    summed: Callable[[Sides, Embeddings], Sides],
) -> list[RecallRow]:
    """Return recall in drawn pools of each size that was asked for and that the candidates fill.

    A query's recall is its mean over the rounds that dealt its study into a pool; which pools were drawn
    is not in the interval.

    Args:
        audited: the pairs that are attacked.
        attacked: their vectors: of the images and of the distinct reports.
        fitted: the attacker, with the strengths that it chose.
        tables: the linkage tables of its audit.
        rounds: how often all candidates are dealt into pools.
        settings: pools, ranks, direction, distractors and resampling.
        summed: adds up the images that the attacker knows to belong together.
    """
    links = links_of(audited)[0]
    candidates, report_row = len(links.candidate_row), audited.pairs["report_row"].to_numpy()
    sizes = [int(pool) for pool in settings.pool or DEFAULT_POOLS if pool != FULL and int(pool) <= candidates]
    rows: list[RecallRow] = []
    for size in sizes:
        ks = [k for k in sorted(set(settings.k or DEFAULT_RANKS)) if k <= size]
        total: dict[str, Floats] = {table.direction: np.zeros((len(links), len(ks))) for table in tables}
        seen = np.zeros(len(links))
        random = np.random.default_rng([settings.seed, 41, size])
        with progress(rounds * (candidates // size), f"refitting on pools of {size}", "pools") as bar:
            for _ in range(rounds):
                pool_of = np.full(candidates, -1)
                dealt = random.permutation(candidates)[: candidates // size * size]
                pool_of[dealt] = np.repeat(np.arange(candidates // size), size)
                for number in range(candidates // size):
                    chosen = np.flatnonzero(pool_of[links.mate] == number)
                    part = audited.select(chosen)
                    texts = attacked[1][np.unique(report_row[chosen])]
                    scored = summed(fitted.transform(attacked[0][chosen], texts), part)
                    for direction, values in _recalls(part, scored, ks, settings).items():
                        total[direction][chosen] += values
                    seen[chosen] += 1
                    bar.update()
        values_of = {direction: np.where(seen[:, None] > 0, sums, np.nan) / np.maximum(seen, 1)[:, None]
                     for direction, sums in total.items()}  # fmt: skip
        for table in tables:
            made = rows_of(
                table,
                [Cell(size, k) for k in ks],
                values_of[table.direction],
                [size] * len(ks),
                [k / size for k in ks],
                settings,
            )
            rows += [msgspec.structs.replace(row, refits=rounds) for row in made]
    return rows


def _recalls(
    part: Embeddings, scored: Sides, ks: Sequence[int], settings: AuditSettings
) -> dict[str, Floats]:
    """Attack one pool: by direction float64, shape (queries, ranks)."""
    links, rows = links_of(part)
    reports = Vectors.prepare(scored[1][rows], "reports")
    found = candidates_of(links, reports, settings.several_reports, "reports")
    ways = link(Vectors.prepare(scored[0], "images"), found.vectors, found.links, settings)
    cells = [Cell(FULL, k) for k in ks]
    return {way.table.direction: recalls(way.table.standings[ALL], cells) for way in ways}
