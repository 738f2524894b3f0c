"""Defences: hardened heads in one table with every control; `table` is the one to open first."""

from relinkage.studies.defences.settings import ControlSettings
from relinkage.studies.defences.table import check_controls, run_controls, write_controls

__all__ = [
    "ControlSettings",
    "check_controls",
    "run_controls",
    "write_controls",
]
