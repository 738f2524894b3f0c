"""Attacks: the audit again with stronger scorers, and the pairs that they know."""

from relinkage.studies.attacks.attacking import (
    AttackSettings,
    attack_embeddings,
    attacker_rows,
    strongest_first,
)
from relinkage.studies.attacks.auxiliary import draw_auxiliary

__all__ = [
    "AttackSettings",
    "attack_embeddings",
    "attacker_rows",
    "draw_auxiliary",
    "strongest_first",
]
