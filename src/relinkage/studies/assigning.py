"""All studies and reports matched one to one, by the scores of some of the attackers."""

from collections.abc import Mapping, Sequence
from typing import Literal

from relinkage.attackers import Attacker, Family
from relinkage.embeddings import Embeddings
from relinkage.linkage import AuditSettings
from relinkage.linkage.assignment import assignment_row
from relinkage.linkage.rows import AssignmentRow
from relinkage.linkage.several_reports import candidates_of
from relinkage.linkage.vectors import Vectors
from relinkage.studies.auditing import Sides
from relinkage.studies.opening import links_of

ASSIGNMENT: Literal["assignment"] = "assignment"


def assigning(wanted: Sequence[str | Attacker], families: Mapping[str, Family]) -> list[str]:
    """Return whose scores match all studies and reports one to one: the cosine's and the ensemble's.

    Where neither attacks, those of all who do.
    """
    if ASSIGNMENT not in wanted and "all" not in wanted:
        return []
    return [name for name in ("cosine", "ensemble") if name in families] or list(families)


def assigned(scored: Sides, audited: Embeddings, settings: AuditSettings) -> AssignmentRow | None:
    """Match all studies and reports one to one by what an attacker scored; see `assignment_row`."""
    links, rows = links_of(audited)
    reports = Vectors.prepare(scored[1][rows], "reports")
    found = candidates_of(links, reports, settings.several_reports, "reports")
    return assignment_row(Vectors.prepare(scored[0], "images"), found.vectors, found.links, settings)
