from .augmentation import augment as augment
from .protocol import Attacker as Attacker
from .protocol import AuxiliaryPairs as AuxiliaryPairs
from .protocol import Fitted as Fitted
from .registry import ATTACKERS as ATTACKERS
from .registry import attacker_names as attacker_names
from .registry import load_attacker as load_attacker
