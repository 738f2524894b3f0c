"""The open set: the mate may be absent, so an attacker must also decide whether to believe the best score."""

from itertools import groupby
from typing import Any

from relinkage.linkage.open_set_rows import OpenSetRow
from relinkage.linkage.result import AuditResult
from relinkage.pages.audits import ALL, select
from relinkage.pages.figures import det_figure, worth_figure
from relinkage.pages.open_set import (
    by_pool,
    finding,
    knowing_nothing,
    operating_point,
    pool_name,
    strongest_score,
)
from relinkage.pages.sections.tables import View, group_title


def open_set_view(audit: AuditResult, prefix: str) -> View | None:
    """Give the open set; None where it was not measured."""
    rows = audit.open_set
    if not rows:
        return None
    ways = [
        _way(audit, list(members), f"{prefix}-{number}")
        for number, (_, members) in enumerate(groupby(rows, key=lambda row: row.direction), 1)
    ]
    return {
        "ways": ways,
        "priors": list(dict.fromkeys(entry.prior for row in rows for entry in row.ppv)),
        "scores": list(dict.fromkeys(row.score for row in rows)),
        "sample": audit.open_set_sample,
        "apart": audit.settings.distractors == "other-patients",
        "figures": [figure for way in ways for figure in way["figures"]],
    }


def _way(audit: AuditResult, rows: list[OpenSetRow], prefix: str) -> dict[str, Any]:
    point = operating_point(rows)
    said = (finding(point), knowing_nothing(point), strongest_score(rows, point))
    figures = (det_figure(audit, prefix, point.direction), worth_figure(rows, prefix))
    return {
        "title": group_title(point.direction, ALL),
        "lead": said[0],
        "more": [sentence for sentence in said[1:] if sentence is not None],
        "figures": [figure for figure in figures if figure is not None],
        "queries": point.queries,
        "patients": point.patients,
        "scores": [
            {
                "score": score,
                "rows": [(pool_name(row), row) for row in by_pool(select(rows, score=score))],
            }
            for score in dict.fromkeys(row.score for row in rows)
        ],
    }
