"""What a person reads: the figures, the HTML report, the audit card and the table in the terminal."""

from relinkage.reports.audits import audit_schema, read_audit
from relinkage.reports.card import render_card
from relinkage.reports.changes import comparison_schema
from relinkage.reports.headline import Headline, headline
from relinkage.reports.html import render_report, write_report
from relinkage.reports.pictures import write_figures
from relinkage.reports.terminal import audit_table, comparison_table

__all__ = [
    "Headline",
    "audit_schema",
    "audit_table",
    "comparison_schema",
    "comparison_table",
    "headline",
    "read_audit",
    "render_card",
    "render_report",
    "write_figures",
    "write_report",
]
