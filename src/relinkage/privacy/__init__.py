"""Projection heads trained with differential privacy, and the statement of what that spends."""

from relinkage.privacy.harden import harden
from relinkage.privacy.public import Public
from relinkage.privacy.settings import HardenSettings
from relinkage.privacy.statement import PrivacyStatement, Recheck, read_statement, recheck

__all__ = [
    "HardenSettings",
    "PrivacyStatement",
    "Public",
    "Recheck",
    "harden",
    "read_statement",
    "recheck",
]
