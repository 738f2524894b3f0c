"""A whole study: from embeddings or arrays to a run folder, and the demonstration."""

from relinkage.studies.attacking import AttackSettings, attack_embeddings, attacker_rows, strongest_first
from relinkage.studies.auditing import audit_arrays, audit_embeddings, finish_blocks
from relinkage.studies.auxiliary import draw_auxiliary
from relinkage.studies.comparing import Comparison, compare_runs, write_comparison
from relinkage.studies.demo import demo
from relinkage.studies.pseudonyms import pseudonym_key, pseudonymise
from relinkage.studies.run import REPORT, check_run, write_run

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
