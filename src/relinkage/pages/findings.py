"""The findings beside the headline, a line each: the open set, and recall by text and by patient."""

from relinkage.linkage.result import AuditResult
from relinkage.pages.audits import ALL, first_k, select
from relinkage.pages.open_set import operating_point, pool_name
from relinkage.pages.verdicts import headline_row
from relinkage.pages.wording import bare_percent, count, interval, percent

_TARGETS = {"text": "By text", "patient": "By patient"}


def finding_lines(audit: AuditResult) -> list[str]:
    """Give a line for the open set's operating point and for each target but the study, where measured.

    They speak of the audit's first direction, as the headline does.
    """
    direction = audit.closed_set[0].direction
    lines = []
    if points := select(audit.open_set, direction=direction):
        point = operating_point(points)
        pool = f"{'' if point.full else 'pool of '}{pool_name(point)}"
        lines.append(
            f"Open set: {point.score} finds {percent(point.tpir)} ({interval(point.low, point.high)}) "
            f"of the mates at FPIR {bare_percent(point.fpir)}, {pool}."
        )
    for target, name in _TARGETS.items():
        rows = select(audit.targets, direction=direction, negatives=ALL, target=target)
        if rows:
            row = headline_row(select(rows, k=first_k(rows)))
            pool = f"{'all' if row.full else 'pool of'} {count(row.pool)}"
            lines.append(
                f"{name}: Recall@{row.k} {percent(row.recall)} ({interval(row.low, row.high)}), "
                f"{pool}, chance {bare_percent(row.chance)}."
            )
    return lines
