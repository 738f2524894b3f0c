from .door import Reading as Reading
from .door import read as read
from .door import read_cohort as read_cohort
from .settings import NAMES as NAMES
from .settings import ReadOptions as ReadOptions
from .summary import CohortSummary as CohortSummary
