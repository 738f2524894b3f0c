"""Rows of an audit as the tables of a section: under their own title, and in order of pool size."""

from itertools import groupby
from typing import Any

from relinkage.linkage.result import AuditResult
from relinkage.pages.audits import ALL, select
from relinkage.pages.places import own_stratum
from relinkage.pages.wording import one_line

View = dict[str, Any]
"""What a section's template shows; its figures are under `figures`."""


def group_title(direction: str, negatives: str) -> str:
    """Name a direction and what its distractors share with the query."""
    title = direction.replace("-", " ").capitalize()
    return title if negatives == ALL else f"{title}, distractors share: {one_line(negatives)}"


def recall_table(audit: AuditResult, direction: str, negatives: str) -> View:
    """Give the closed-set rows of one direction and kind of distractors, a block a pool size."""
    rows = select(audit.closed_set, direction=direction, negatives=negatives)
    rows.sort(key=lambda row: (own_stratum(row), row.pool, row.full, row.k))
    return {
        "title": group_title(direction, negatives),
        "pools": [
            {"size": size, "rows": list(found)}
            for (size, _), found in groupby(rows, lambda row: (row.pool, row.full))
        ],
        "partial": any(row.coverage < 1 for row in rows),
    }
