"""A whole study: from embeddings or arrays to a run folder, and the demonstration."""

from relinkage.studies.auditing import audit_arrays, audit_embeddings
from relinkage.studies.demo import demo
from relinkage.studies.run import REPORT, write_run

__all__ = ["REPORT", "audit_arrays", "audit_embeddings", "demo", "write_run"]
