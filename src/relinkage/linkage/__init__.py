"""The heart: exact ranks of mates among distractors, and every figure that follows from them."""

from relinkage.linkage.audit import Audit, audit
from relinkage.linkage.links import Links
from relinkage.linkage.measures import Resampling
from relinkage.linkage.settings import AuditSettings
from relinkage.linkage.strata import HardNegatives
from relinkage.linkage.table import LinkageTable, Standing, read_tables, write_tables

__all__ = [
    "Audit",
    "AuditSettings",
    "HardNegatives",
    "LinkageTable",
    "Links",
    "Resampling",
    "Standing",
    "audit",
    "read_tables",
    "write_tables",
]
