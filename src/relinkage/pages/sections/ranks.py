"""The ranks of the mates."""

from relinkage.linkage.result import AuditResult
from relinkage.pages.audits import ALL, groups, select
from relinkage.pages.figures import rank_figure
from relinkage.pages.sections.tables import View, group_title


def ranks_view(audit: AuditResult, prefix: str) -> View:
    """Give the ranks of the mates, and how they are distributed."""
    distributions = enumerate(select(audit.rank_distribution, negatives=ALL), 1)
    figures = [rank_figure(audit, f"{prefix}-{i}", distribution) for i, distribution in distributions]
    tables = [
        {
            "title": group_title(direction, negatives),
            "rows": select(audit.ranks, direction=direction, negatives=negatives),
        }
        for direction, negatives in groups(audit.ranks)
    ]
    return {"groups": tables, "figures": figures}
