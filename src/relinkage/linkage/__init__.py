"""The heart: exact ranks of mates among distractors, and every figure that follows from them."""

from relinkage.linkage.audit import Audit, AuditSettings, audit
from relinkage.linkage.links import Links
from relinkage.linkage.measures import Resampling
from relinkage.linkage.table import LinkageTable, Standing, read_tables, write_tables

__all__ = [
    "Audit",
    "AuditSettings",
    "LinkageTable",
    "Links",
    "Resampling",
    "Standing",
    "audit",
    "read_tables",
    "write_tables",
]
