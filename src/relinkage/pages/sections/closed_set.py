"""The closed set: recall at every pool size, and how much the scores of a query leave open."""

from relinkage.linkage.result import AuditResult
from relinkage.pages.audits import ALL, groups, select
from relinkage.pages.figures import entropy_figure, pool_figures
from relinkage.pages.sections.tables import View, recall_table


def closed_set_view(audit: AuditResult, prefix: str) -> View:
    """Give recall over all distractors, figures and a table a direction."""
    over_all = [g for g in groups(audit.closed_set) if g[1] == ALL]
    found = [recall_table(audit, *g) for g in over_all]
    for number, (group, ways) in enumerate(zip(found, over_all, strict=True), 1):
        group["figures"] = pool_figures(audit, f"{prefix}-{number}", *ways)
        group["entropy"] = [
            entropy_figure(rows, f"{prefix}-{number}")
            for rows in [select(audit.entropy, direction=ways[0])]
            if rows
        ]
    figures = [figure for group in found for figure in [*group["figures"], *group["entropy"]]]
    return {"groups": found, "figures": figures}
