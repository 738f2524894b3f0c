from .comparing import Comparison as Comparison
from .comparing import compare_runs as compare_runs
from .comparing import write_comparison as write_comparison
