from .estimating import estimate as estimate
from .plan import Plan as Plan
from .plan import Stage as Stage
from .plan import Verb as Verb
from .reading import read_plan as read_plan
from .running import run_plan as run_plan
