from .table import check_controls as check_controls
from .table import run_controls as run_controls
from .table import write_controls as write_controls
