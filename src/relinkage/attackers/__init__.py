"""Other ways to score an image and a report, each as new vectors whose cosine is its score.

Open `protocol` first.
"""

from relinkage.attackers.augmentation import augment
from relinkage.attackers.protocol import Attacker, AuxiliaryPairs, Fitted
from relinkage.attackers.registry import ATTACKERS, attacker_names, load_attacker

__all__ = ["ATTACKERS", "Attacker", "AuxiliaryPairs", "Fitted", "attacker_names", "augment", "load_attacker"]
