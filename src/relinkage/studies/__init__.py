"""Whole studies, a folder each by what is asked, from audits to maps; and the demonstration."""

from relinkage.studies.attacks import (
    AttackSettings,
    attack_embeddings,
    attacker_rows,
    draw_auxiliary,
    strongest_first,
)
from relinkage.studies.audits import (
    REPORT,
    audit_arrays,
    audit_embeddings,
    check_run,
    finish_blocks,
    pseudonym_key,
    pseudonymise,
    write_run,
)
from relinkage.studies.comparisons import Comparison, compare_runs, write_comparison
from relinkage.studies.demo import demo

__all__ = [
    "REPORT",
    "AttackSettings",
    "Comparison",
    "attack_embeddings",
    "attacker_rows",
    "audit_arrays",
    "audit_embeddings",
    "check_run",
    "compare_runs",
    "demo",
    "draw_auxiliary",
    "finish_blocks",
    "pseudonym_key",
    "pseudonymise",
    "strongest_first",
    "write_comparison",
    "write_run",
]
