"""What the controls say about an audit, in words."""

from relinkage.linkage.result import AuditResult
from relinkage.pages.wording import count, counted


def controls_off(audit: AuditResult) -> int:
    """Count the controls whose interval does not cover chance."""
    return sum(not row.on_chance for row in audit.controls)


def controls_finding(audit: AuditResult) -> str:
    """Say how many controls sit on chance."""
    total, off = len(audit.controls), controls_off(audit)
    if not total:
        return "No control was run."
    if off:
        return f"{count(off)} of {counted(total, 'control')} {'is' if off == 1 else 'are'} off chance."
    if total == 1:
        return "The control sits on chance."
    every = "Both controls" if total == 2 else f"All {counted(total, 'control')}"
    return f"{every} sit on chance."
