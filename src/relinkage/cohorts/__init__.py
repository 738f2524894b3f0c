"""Who is linked: the cohort table, its readers, labels and splits, and the phantom cohort."""

from relinkage.cohorts.labels import CHEXPERT_LABELS
from relinkage.cohorts.readers import read_cohort
from relinkage.cohorts.splits import with_split
from relinkage.cohorts.table import Cohort

__all__ = ["CHEXPERT_LABELS", "Cohort", "read_cohort", "with_split"]
