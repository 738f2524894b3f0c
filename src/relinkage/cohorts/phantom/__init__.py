"""The phantom cohort: stylised chest radiographs and their reports, both from one seeded scene.

It stands in for a clinical cohort where none can be had: tests, the demo, and first experiments.
Everything a report says is drawn, and much that is drawn (habitus, place within a zone, lung texture) no
report says, so a good model re-links well above the level of labels and cannot re-link everything. Figures
measured on it say how the tool behaves, never how a clinical model would.
"""

from relinkage.cohorts.phantom.cohort import phantom_cohort
from relinkage.cohorts.phantom.patient import PhantomPatient, PhantomStudy, draw_patient
from relinkage.cohorts.phantom.site import CITY, COUNTY, SITES, Site

__all__ = [
    "CITY",
    "COUNTY",
    "SITES",
    "PhantomPatient",
    "PhantomStudy",
    "Site",
    "draw_patient",
    "phantom_cohort",
]
