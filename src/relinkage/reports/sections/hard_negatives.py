"""Hard negatives: what is left of linkage among distractors that resemble the query."""

from itertools import groupby

from relinkage.linkage.result import AuditResult
from relinkage.reports.audits import ALL, first_k, groups
from relinkage.reports.figures import added, hardness_figure
from relinkage.reports.sections.method import UNCERTAIN
from relinkage.reports.sections.tables import View, group_title, recall_table
from relinkage.reports.wording import counted, listed, one_line


def hard_negatives_view(audit: AuditResult, prefix: str) -> View | None:
    """Give recall inside strata and what the strata are; None where the audit has none."""
    harder = [g for g in groups(audit.closed_set) if g[1] != ALL]
    if not harder:
        return None
    levels = audit.strata
    controls = [row for row in audit.controls if row.negatives != ALL]
    off = sum(not row.on_chance for row in controls)
    figure = hardness_figure(audit, prefix)
    return {
        "groups": [recall_table(audit, *g) for g in harder],
        "levels": [
            {
                "name": added(level.negatives, before.negatives if before else ""),
                "columns": listed(
                    one_line(c) for c in level.columns if before is None or c not in before.columns
                ),
                "strata": level.strata,
                "largest": level.largest,
                "median": level.median_stratum_of_a_query,
                "alone": level.alone,
            }
            for level, before in zip(levels, [None, *levels], strict=False)
        ],
        "uncertain": UNCERTAIN[levels[0].uncertain] if levels else "",
        "controls": [
            {"title": group_title(direction, negatives), "rows": list(rows)}
            for (direction, negatives), rows in groupby(
                (row for row in controls if row.k == first_k(controls) or not row.on_chance),
                lambda row: (row.direction, row.negatives),
            )
        ],
        "control_sentence": "A scorer that knows these columns and nothing else must sit on chance among "
        "distractors that share them. "
        + (f"In {off} of {counted(len(controls), 'row')} it does not." if off else "It does, in every row."),
        "figures": [] if figure is None else [figure],
    }
