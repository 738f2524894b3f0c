from .door import Reading as Reading
from .door import read as read
from .door import read_cohort as read_cohort
from .protocol import ReadOptions as ReadOptions
from .recognise import NAMES as NAMES
from .summary import CohortSummary as CohortSummary
