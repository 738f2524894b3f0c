"""The findings beside the headline, a line each: the open set, and recall by text and by patient."""

from relinkage.reports.audits import ALL, Audit, first_k, select
from relinkage.reports.headlines import headline_row
from relinkage.reports.open_set import is_full, operating_point, pool_name
from relinkage.reports.wording import bare_percent, count, interval, percent

_TARGETS = {"text": "By text", "patient": "By patient"}


def finding_lines(audit: Audit) -> list[str]:
    """Give a line for the open set's operating point and for each target but the study, where measured.

    They speak of the audit's first direction, as the headline does.
    """
    direction = audit["closed_set"][0]["direction"]
    lines = []
    if points := select(audit["open_set"], direction=direction):
        row = operating_point(points)
        pool = f"{'' if is_full(row) else 'pool of '}{pool_name(row)}"
        lines.append(
            f"Open set: {row['score']} finds {percent(row['tpir'])} ({interval(row['low'], row['high'])}) "
            f"of the mates at FPIR {bare_percent(row['fpir'])}, {pool}."
        )
    for target, name in _TARGETS.items():
        rows = select(audit.get("targets") or [], direction=direction, negatives=ALL, target=target)
        if rows:
            row = headline_row(select(rows, k=first_k(rows)))
            pool = f"{'all' if row['full'] else 'pool of'} {count(row['pool'])}"
            lines.append(
                f"{name}: Recall@{row['k']} {percent(row['recall'])} ({interval(row['low'], row['high'])}), "
                f"{pool}, chance {bare_percent(row['chance'])}."
            )
    return lines
