from .labels import CHEXPERT_LABELS as CHEXPERT_LABELS
from .readers import read_cohort as read_cohort
from .splits import with_split as with_split
from .table import Cohort as Cohort
