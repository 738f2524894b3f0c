"""The controls: what must sit on chance."""

from relinkage.reports.audits import Audit
from relinkage.reports.controls import controls_finding, controls_off
from relinkage.reports.figures import control_figure
from relinkage.reports.sections.tables import View


def controls_view(audit: Audit, prefix: str) -> View | None:
    """Give the controls; None where none was run."""
    if not audit["controls"]:
        return None
    return {
        "off": controls_off(audit) > 0,
        "sentence": controls_finding(audit),
        "figures": [control_figure(audit, prefix)],
    }
