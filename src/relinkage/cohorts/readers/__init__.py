"""Readers of data sets as people have them on disk: one module a format, `door.read` opens them all."""

from relinkage.cohorts.readers.door import Reading, read, read_cohort
from relinkage.cohorts.readers.protocol import ReadOptions
from relinkage.cohorts.readers.recognise import NAMES
from relinkage.cohorts.readers.summary import CohortSummary

__all__ = ["NAMES", "CohortSummary", "ReadOptions", "Reading", "read", "read_cohort"]
