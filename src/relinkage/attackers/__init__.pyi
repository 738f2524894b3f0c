from .augmentation import augment as augment
from .names import ATTACKERS as ATTACKERS
from .names import AttackerName as AttackerName
from .protocol import Attacker as Attacker
from .protocol import AuxiliaryPairs as AuxiliaryPairs
from .protocol import Fitted as Fitted
from .registry import load_attacker as load_attacker
from .settings import AttackSettings as AttackSettings
