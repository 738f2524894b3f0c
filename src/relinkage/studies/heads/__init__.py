"""Heads on their way: hardened and checked, taken out of a model, put back into it."""

from relinkage.studies.heads.exporting import export
from relinkage.studies.heads.hardening import (
    check_by_canaries,
    check_statement,
    faults_of,
    harden_embeddings,
    read_public,
    statement_text,
)
from relinkage.studies.heads.own import write_own_heads

__all__ = [
    "check_by_canaries",
    "check_statement",
    "export",
    "faults_of",
    "harden_embeddings",
    "read_public",
    "statement_text",
    "write_own_heads",
]
