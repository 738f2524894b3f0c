"""What counts as a hit: the study's own report, a report with the same text, or any of the patient's."""

from relinkage.linkage.result import AuditResult
from relinkage.linkage.rows import RankRow
from relinkage.pages.audits import ALL, groups, select
from relinkage.pages.figures import targets_figure
from relinkage.pages.sections.tables import View
from relinkage.pages.wording import count, percent


def hits_view(audit: AuditResult, prefix: str) -> View:
    """Give recall by target and ranks by the treatment of ties."""
    directions = dict.fromkeys(direction for direction, _ in groups(audit.closed_set))
    found = (targets_figure(audit, f"{prefix}-{i}", way) for i, way in enumerate(directions, 1))
    figures = [figure for figure in found if figure is not None]
    ranks = select(audit.ranks, negatives=ALL)
    return {
        "figures": figures,
        "targets": {row.target for row in audit.targets},
        "sentence": duplicates_sentence(audit),
        "ties": ties_sentence(ranks) if ranks else "",
        "ranks": [
            {"pool": row.pool, "direction": row.direction.replace("-", " "), "views": _rank_views(row)}
            for row in ranks
        ],
        "several": len({row.direction for row in ranks}) > 1,
    }


def duplicates_sentence(audit: AuditResult) -> str:
    """Say what reports with equal texts mean for the audit."""
    duplicates = audit.duplicates
    same = "text" if duplicates.known else "vector"
    how = "" if duplicates.known else "The audit was given no text hashes, so it goes by equal vectors. "
    if duplicates.queries_sharing == 0:
        return f"{how}No query's report has the {same} of another study's."
    return (
        f"{how}{percent(duplicates.queries_sharing)} of the queries have a report whose {same} is also "
        f"another study's. Nobody can tell equal {same}s apart, so over the full gallery Recall@1 "
        f"cannot pass {percent(duplicates.recall_at_1_ceiling)}."
    )


def ties_sentence(ranks: list[RankRow]) -> str:
    """Say how far the treatment of ties could move the mean rank, at the pool where it moves it most.

    Args:
        ranks: rows of `ranks`, at least one.
    """
    spread = {i: row.pessimistic.mean_rank - row.optimistic.mean_rank for i, row in enumerate(ranks)}
    row = ranks[max(spread, key=lambda i: spread[i])]
    if row.pessimistic == row.optimistic:
        return "No mate ties with another candidate, so ranks are the same however ties count."
    ends = [f"{view.mean_rank:,.1f}" for view in (row.optimistic, row.pessimistic)]
    return (
        f"Ties count in expectation. With all of them in the attacker's favour the mean rank among "
        f"{count(row.pool)} would be {ends[0]}, with all against {ends[1]}."
    )


def _rank_views(row: RankRow) -> list[dict[str, object]]:
    views = (("optimistic", row.optimistic), ("expected", row), ("pessimistic", row.pessimistic))
    return [{"name": name, "figures": figures} for name, figures in views]
