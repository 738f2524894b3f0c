from .sweeping import REPORT as REPORT
from .sweeping import sweep_heads as sweep_heads
