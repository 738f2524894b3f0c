from .attackers.own import Attacker as Attacker
from .defences.protocol import Defence as Defence
from .errors import InputError as InputError
from .linkage.estimates import Estimate as Estimate
from .studies.aligning import align as align
from .studies.attacking import attack as attack
from .studies.attacks import Attack as Attack
from .studies.auditing import audit as audit
from .studies.audits import Audit as Audit
from .studies.comparing import Comparison as Comparison
from .studies.comparing import compare as compare
from .studies.defending import defend as defend
from .studies.hardening import harden as harden
from .studies.judging_use import utility as utility
from .studies.opening import open as open
from .studies.pairs import Pairs as Pairs
from .studies.training_metrics import metrics as metrics

__version__: str
