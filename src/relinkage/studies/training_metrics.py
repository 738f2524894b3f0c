"""Metrics of a training loop: a flat dict from one exact pass."""

from typing import Any

import numpy as np

from relinkage.embeddings.given import as_matrix
from relinkage.linkage import AuditSettings, Links
from relinkage.linkage.measures import Cell, chance, recalls
from relinkage.linkage.settings import FULL, PoolSize
from relinkage.linkage.several_reports import candidates_of
from relinkage.linkage.table import ALL, Standing
from relinkage.linkage.vectors import Vectors
from relinkage.linkage.ways import link
from relinkage.options import chosen
from relinkage.studies.pairs import table_of

DIRECTIONS = {"image-to-report": "", "report-to-image": "report-to-image "}


def metrics(
    images: Any,
    reports: Any,
    pairs: Any = None,
    *,
    k: int | tuple[int, ...] | list[int] = (1, 5, 10),
    pool: PoolSize | tuple[PoolSize, ...] | list[PoolSize] = FULL,
    **choices: Any,
) -> dict[str, float]:
    """Return retrieval metrics for a log: no intervals, no controls, one exact pass.

    Args:
        images: as in `relinkage.audit`: numpy, torch on any device, …, shape (images, d).
        reports: the same, shape (reports, d).
        pairs: as in `relinkage.audit`.
        k: ranks K of Recall@K.
        pool: pool sizes; of sizes other than "full" the names of metrics hold the size.
        choices: `direction`, `distractors` and `engine`; see `AuditSettings`. Both directions by default.

    Returns:
        By name, such as `recall@1`, `mrr`, `median_rank` and `chance@1`; those where reports ask begin with
        `report-to-image `. A pool that no query has is left out.

    Raises:
        InputError: the arrays do not fit.

    Examples:
        >>> import numpy as np
        >>> import relinkage as rl
        >>> images = np.eye(4, dtype=np.float32)
        >>> found = rl.metrics(images, images)
        >>> found["recall@1"], found["median_rank"]
        (1.0, 1.0)
    """
    settings = chosen(AuditSettings, None, {"direction": "both", "k": k, "pool": pool, **choices})
    matrices = as_matrix(images, "images"), as_matrix(reports, "reports")
    table = table_of(pairs)
    sizes = len(matrices[0]), len(matrices[1])
    links = Links.row_by_row(*sizes) if table is None else Links.from_pairs(table, *sizes, "pairs")
    image_side = Vectors.prepare(matrices[0], "images")
    report_side = Vectors.prepare(matrices[1], "reports")
    searched = candidates_of(links, report_side, settings.several_reports, "reports")
    values: dict[str, float] = {}
    for way in link(image_side, searched.vectors, searched.links, settings):
        standing, prefix = way.table.standings[ALL], DIRECTIONS[way.table.direction]
        for size in settings.pool or (FULL,):
            for rank in settings.k or ():
                _add_recall(values, prefix, standing, Cell(size, rank))
        ranks = standing.expected_rank
        values[f"{prefix}mrr"] = float((1 / ranks).mean())
        values[f"{prefix}median_rank"] = float(np.median(ranks))
    return values


def _add_recall(values: dict[str, float], prefix: str, standing: Standing, cell: Cell) -> None:
    recall = recalls(standing, [cell])[:, 0]
    if np.isnan(recall).all():
        return
    suffix = f"@{cell.k}" if cell.pool == FULL else f"@{cell.k} of {cell.pool}"
    values[f"{prefix}recall{suffix}"] = float(np.nanmean(recall))
    values[f"{prefix}chance{suffix}"] = chance(standing, cell)
