"""A whole study: from embeddings or arrays to a run folder, and the demonstration."""

from relinkage.studies.auditing import audit_arrays, audit_embeddings
from relinkage.studies.comparing import Comparison, compare_runs, write_comparison
from relinkage.studies.demo import demo
from relinkage.studies.pseudonyms import pseudonym_key, pseudonymise
from relinkage.studies.run import REPORT, check_run, write_run

__all__ = [
    "REPORT",
    "Comparison",
    "audit_arrays",
    "audit_embeddings",
    "check_run",
    "compare_runs",
    "demo",
    "pseudonym_key",
    "pseudonymise",
    "write_comparison",
    "write_run",
]
