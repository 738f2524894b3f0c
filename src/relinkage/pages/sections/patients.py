"""The risk of each patient, and who is exposed most."""

from relinkage.linkage.result import AuditResult
from relinkage.pages.audits import ALL
from relinkage.pages.figures import exposed_figure, patients_figure
from relinkage.pages.sections.tables import View, group_title
from relinkage.pages.verdicts import who
from relinkage.pages.wording import plural


def patients_view(audit: AuditResult, prefix: str) -> View | None:
    """Give the risk of patients; None where the audit does not state it."""
    if not audit.risk:
        return None
    entries: list[View] = []
    for number, row in enumerate(audit.risk, 1):
        found = (
            patients_figure(row, f"{prefix}-{number}", who(audit)),
            exposed_figure(row, f"{prefix}-{number}", who(audit)),
        )
        figures = [figure for figure in found if figure is not None]
        entries.append({"row": row, "title": group_title(row.direction, ALL), "figures": figures})
    return {
        "who": who(audit),
        "whose": plural(who(audit)),
        "entries": entries,
        "figures": [figure for entry in entries for figure in entry["figures"]],
    }
