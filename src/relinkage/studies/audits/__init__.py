"""Audits: from arrays or embeddings to a run folder, with pseudonyms where asked for."""

from relinkage.studies.audits.auditing import audit_arrays, audit_embeddings, finish_blocks
from relinkage.studies.audits.pseudonyms import pseudonym_key, pseudonymise
from relinkage.studies.audits.run import REPORT, check_run, write_run

__all__ = [
    "REPORT",
    "audit_arrays",
    "audit_embeddings",
    "check_run",
    "finish_blocks",
    "pseudonym_key",
    "pseudonymise",
    "write_run",
]
