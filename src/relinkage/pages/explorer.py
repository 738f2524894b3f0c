"""The explorer: what of the audits its script needs, and the hash by which the page allows that script.

It carries aggregates of `audit.json`, so a page written from a run has the same as one written by its audit.
"""

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from relinkage.linkage.open_set_rows import OpenSetRow
from relinkage.linkage.result import AuditResult
from relinkage.linkage.rows import RecallRow
from relinkage.pages.audits import ALL, groups, select
from relinkage.pages.sections import group_title
from relinkage.pages.wording import bare_percent, one_line, sides


def explorer(audits: Sequence[AuditResult], start: int, row: RecallRow) -> dict[str, Any]:
    """Return what the section's template shows: data, script and the script's hash for the page's policy.

    Args:
        audits: results, at least one.
        start: which of them is shown first.
        row: of the closed set of that one: the direction, distractors, pool and K that are shown first.
    """
    script = files("relinkage.pages").joinpath("templates", "explorer.js").read_text(encoding="utf-8")
    digest = hashlib.sha256(script.encode()).digest()
    return {
        "script": script,
        "hash": f"sha256-{base64.b64encode(digest).decode()}",
        "data": {
            "start": {
                "run": start,
                "group": groups(audits[start].closed_set).index((row.direction, row.negatives)),
                "pool": row.pool,
                "k": row.k,
            },
            "runs": [_run(audit) for audit in audits],
        },
    }


def _run(audit: AuditResult) -> dict[str, Any]:
    return {
        "name": one_line(audit.name, 80),
        "level": bare_percent(audit.settings.interval),
        "who": "patient" if audit.patients_known else "study",
        "groups": [_group(audit, *ways) for ways in groups(audit.closed_set)],
    }


def _group(audit: AuditResult, direction: str, negatives: str) -> dict[str, Any]:
    """Give one direction and kind of distractors, rows in order of pool size and each pool once for a K."""
    where = {"direction": direction, "negatives": negatives}
    rows = [*select(audit.closed_set, **where), *select(audit.curve, **where)]
    once = {(row.pool, row.full, row.k): row for row in reversed(rows)}
    query, candidate = sides(direction)
    return {
        "title": group_title(direction, negatives),
        "query": query,
        "candidate": candidate,
        "strata": negatives != ALL,
        "rows": [_recall(once[key]) for key in sorted(once)],
        "claims": [
            _claim(row) for row in sorted(select(audit.open_set, **where), key=lambda r: (r.pool, r.full))
        ],
    }


def _recall(row: RecallRow) -> dict[str, Any]:
    names = ("k", "pool", "full", "recall", "low", "high", "chance", "queries", "patients")
    return {name: getattr(row, name) for name in names} | {"linked": row.patients_found}


def _claim(row: OpenSetRow) -> dict[str, Any]:
    names = ("score", "pool", "full", "fpir", "thresholds", "tpir", "misidentified")
    worth = [[entry.prior, entry.ppv, entry.low, entry.high] for entry in row.ppv]
    return {name: getattr(row, name) for name in names} | {"measured": row.fpir_measured, "worth": worth}
