from .hardening import harden as harden
from .public import Public as Public
from .settings import HardenSettings as HardenSettings
from .statement import PrivacyStatement as PrivacyStatement
from .statement import Recheck as Recheck
from .statement import read_statement as read_statement
from .statement import recheck as recheck
