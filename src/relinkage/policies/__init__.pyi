from .context import Context as Context
from .context import read_context as read_context
from .judging import judge as judge
from .reading import read_policy as read_policy
from .result import CheckResult as CheckResult
from .rules import Policy as Policy
from .runs import Attacked as Attacked
