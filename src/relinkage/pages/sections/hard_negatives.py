"""Hard negatives: what is left of linkage among distractors that resemble the query."""

from itertools import groupby

from relinkage.linkage.columns import LABELS
from relinkage.linkage.result import AuditResult
from relinkage.linkage.rows import RecallRow
from relinkage.pages.audits import ALL, first_k, groups
from relinkage.pages.figures import added, hardness_figure
from relinkage.pages.places import holding, own_stratum
from relinkage.pages.sections.method import MISSING, UNCERTAIN, hard_negatives_of
from relinkage.pages.sections.tables import View, group_title, recall_table
from relinkage.pages.wording import counted, listed, one_line, percent, sides, signed_points


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
        "lead": _lead(audit),
        "above": [
            _above_chance(audit, row) for row in audit.closed_set if row.negatives != ALL and row.k == 1
        ],
        "own": any(own_stratum(row) for row in audit.closed_set),
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
        "blanks": MISSING[audit.settings.missing],
        "whose": hard_negatives_of(audit),
        "controls": [
            {"title": group_title(direction, negatives), "rows": list(rows)}
            for (direction, negatives), rows in groupby(
                (row for row in controls if row.k == first_k(controls) or not row.on_chance),
                lambda row: (row.direction, row.negatives),
            )
        ],
        "control_sentence": "A scorer that knows who shares these columns and nothing else must sit on "
        "chance among distractors that share them. "
        + (f"In {off} of {counted(len(controls), 'row')} it does not." if off else "It does, in every row."),
        "figures": [] if figure is None else [figure],
    }


def share_labels(audit: AuditResult) -> bool:
    """Say whether distractors of some rows share all labels with the query."""
    return bool(audit.strata) and (audit.settings.ladder or LABELS in audit.settings.hard_negatives)


def _above_chance(audit: AuditResult, row: RecallRow) -> str:
    """Say what is linked beyond what the shared columns tell, and for how many queries that is known."""
    query, _ = sides(row.direction)
    gain = signed_points(row.recall - row.chance)
    ends = " to ".join(signed_points(end - row.chance) for end in (row.low, row.high))
    return (
        f"Among {holding(row)}, {percent(row.recall)} of the mates rank first where chance is "
        f"{percent(row.chance)}: {gain} points above it ({ends}), over the {percent(row.coverage)} of "
        f"{query}s that have so many, of {counted(row.patients, 'patient')}."
    )


def _lead(audit: AuditResult) -> str:
    """Say what sharing these columns takes out of a match, and what it leaves in."""
    columns = listed(one_line(column) for column in audit.settings.hard_negatives or (LABELS,))
    if share_labels(audit):
        more = "" if columns == LABELS and not audit.settings.ladder else " and in what else is named"
        return (
            "Part of what links an image to its report is pathology that many patients share. Here the "
            f"distractors of a query have the same labels as its study{more}, so what is left above chance "
            "is what these do not tell: the patient, and also severity, devices and technique."
        )
    return (
        f"Here the distractors of a query have the same {columns} as its study. All labels are not among "
        "these columns, so what is left above chance may be a finding that many patients share."
    )
