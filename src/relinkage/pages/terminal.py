"""The short tables that the command line prints when an audit or a comparison is done."""

from collections.abc import Sequence

from relinkage.linkage.comparison_result import ComparisonResult
from relinkage.linkage.result import AuditResult
from relinkage.linkage.rows import RecallRow
from relinkage.pages.audits import ALL, first_k, synthetic
from relinkage.pages.changes import (
    changes,
    points,
    points_interval,
    relative,
    relative_interval,
)
from relinkage.pages.findings import finding_lines
from relinkage.pages.headlines import SYNTHETIC, headline
from relinkage.pages.places import own_stratum, pool_cell
from relinkage.pages.sections import group_title
from relinkage.pages.wording import SPACE, bare_percent, count, interval, one_line, p_value, percent, times

WIDTH = 100
"""Characters that a line may take; names are cut to fit."""

_SHORTEST_NAME = 8


def audit_table(audits: Sequence[AuditResult]) -> str:
    """Give the closed set of one or several audits as lines of plain text, without a final line break.

    One audit shows every K; several show the smallest, a row a model and pool, so that the table stays short.
    Rows in which chance alone is above half, and those of K as large as the pool, tell nothing and are left
    out. Coverage stands beside them where there are hard negatives, and where a pool leaves queries out.
    Below, after an empty line, stand the verdict and a line each for the open set's operating point and
    recall by text and by patient, where they were measured, and for patients who are synthetic.

    Args:
        audits: results, at least one.
    """
    several = len(audits) > 1
    rows = [(audit, row) for audit in audits for row in _shown(audit, several)]
    columns: list[tuple[str, str, list[str]]] = [
        ("Direction", "<", [row.direction for _, row in rows]),
        ("Pool", ">", [_pool(row) for _, row in rows]),
        ("K", ">", [str(row.k) for _, row in rows]),
        ("Recall@K", ">", [percent(row.recall) for _, row in rows]),
        ("Interval", ">", [interval(row.low, row.high) for _, row in rows]),
        ("Chance", ">", [bare_percent(row.chance) for _, row in rows]),
        ("Lift", ">", [f"{times(row.lift)} ×" for _, row in rows]),
    ]
    if any(row.coverage < 1 or row.negatives != ALL for _, row in rows):
        columns.append(("Coverage", ">", [percent(row.coverage) for _, row in rows]))
    if any(row.negatives != ALL for _, row in rows):
        columns.insert(0, ("Distractors", "<", [one_line(row.negatives) for _, row in rows]))
    if several:
        columns.insert(0, ("Model", "<", [one_line(audit.name) for audit, _ in rows]))
    findings = [(audit, line.replace(SPACE, " ")) for audit in audits for line in _below(audit)]
    further = [f"{one_line(audit.name, 40)}: {line}" if several else line for audit, line in findings]
    if any(synthetic(audit) for audit in audits):
        further.append(SYNTHETIC)
    return "\n".join([table_lines(columns), "", *further])


def comparison_table(comparison: ComparisonResult) -> str:
    """Give a comparison as lines of plain text, a table per run, direction and kind of distractors.

    Args:
        comparison: the content of `comparison.json`.
    """
    parts = []
    for change in changes(comparison):
        rows = change.rows
        table = table_lines(
            [
                ("Pool", ">", [pool_cell(row) for row in rows]),
                ("K", ">", [str(row.k) for row in rows]),
                ("Before", ">", [percent(row.before) for row in rows]),
                ("After", ">", [percent(row.after) for row in rows]),
                ("Points", ">", [points(row) for row in rows]),
                (
                    "Interval",
                    ">",
                    [points_interval(row) for row in rows],
                ),
                ("Change", ">", [relative(row) for row in rows]),
                ("Interval", ">", [relative_interval(row) for row in rows]),
                ("p (Holm)", ">", [p_value(row.p_holm) for row in rows]),
            ]
        )
        title = f"{change.before} → {change.after}: {group_title(change.direction, change.negatives)}"
        parts.append(f"{title}\n{table}\n{change.takeaway}".replace(SPACE, " "))
    return "\n\n".join([*parts, *(one_line(note) for note in comparison.notes)])


def _shown(audit: AuditResult, several: bool) -> list[RecallRow]:
    rows = [row for row in audit.closed_set if row.chance <= 0.5 and row.k < row.pool] or audit.closed_set
    return [row for row in rows if not several or row.k == first_k(rows)]


def _pool(row: RecallRow) -> str:
    return f"own ≤ {count(row.pool)}" if own_stratum(row) else count(row.pool)


def _below(audit: AuditResult) -> list[str]:
    return [f"{headline(audit).verdict}.", *finding_lines(audit)]


def table_lines(columns: Sequence[tuple[str, str, list[str]]]) -> str:
    """Return a table as lines of plain text, names cut to fit.

    Args:
        columns: of each its head, the side that cells stand on (< or >), and its cells.
    """
    widths = [max(len(text) for text in (head, *cells)) for head, _, cells in columns]
    excess = sum(widths) + 2 * (len(widths) - 1) - WIDTH
    for i, (head, _, _) in enumerate(columns):
        if head in ("Model", "Distractors", "Direction", "Rule") and excess > 0:
            cut = min(excess, max(widths[i] - _SHORTEST_NAME, 0))
            widths[i], excess = widths[i] - cut, excess - cut
    table = [[head for head, _, _ in columns], *zip(*(cells for _, _, cells in columns), strict=True)]
    sides = [side for _, side, _ in columns]
    lines = (
        "  ".join(f"{one_line(text, w):{side}{w}}" for text, side, w in zip(line, sides, widths, strict=True))
        for line in table
    )
    return "\n".join(line.rstrip().replace(SPACE, " ") for line in lines)
