"""Comparisons: runs side by side, and what keeps them from being alike."""

from relinkage.studies.comparisons.comparing import Comparison, compare_runs, write_comparison

__all__ = [
    "Comparison",
    "compare_runs",
    "write_comparison",
]
