"""The controls: what must sit on chance."""

from relinkage.linkage.result import AuditResult
from relinkage.pages.controls import controls_finding, controls_off
from relinkage.pages.figures import control_figure
from relinkage.pages.sections.tables import View


def controls_view(audit: AuditResult, prefix: str) -> View | None:
    """Give the controls; None where none was run."""
    if not audit.controls:
        return None
    return {
        "off": controls_off(audit) > 0,
        "sentence": controls_finding(audit),
        "figures": [control_figure(audit, prefix)],
    }
