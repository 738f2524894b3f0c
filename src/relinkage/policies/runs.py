"""What is judged: the audit of each attacker on the same release."""

from collections.abc import Mapping
from dataclasses import dataclass

from relinkage.linkage.result import AuditResult
from relinkage.linkage.settings import Direction
from relinkage.linkage.table import LinkageTable


@dataclass(frozen=True)
class Attacked:
    """The audit of one attacker.

    Attributes:
        attacker: who attacked; "cosine" where nobody else did.
        audit: what it found.
        tables: its linkage tables by direction; empty where the run has no linkage.parquet.
    """

    attacker: str
    audit: AuditResult
    tables: Mapping[Direction, LinkageTable]

    @property
    def directions(self) -> list[Direction]:
        """The directions that the audit has rows of."""
        return list(dict.fromkeys(row.direction for row in self.audit.closed_set))
