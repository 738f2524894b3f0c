"""Sweeps: many head trainings on one embeddings folder, judged alike."""

from relinkage.studies.sweeps.sweeping import REPORT, sweep_heads

__all__ = [
    "REPORT",
    "sweep_heads",
]
