from .hardening import harden as harden
from .public import Public as Public
from .settings import CanarySettings as CanarySettings
from .settings import HardenSettings as HardenSettings
from .statement import PrivacyStatement as PrivacyStatement
from .statement import Recheck as Recheck
from .statement import recheck as recheck
