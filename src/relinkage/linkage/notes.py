"""What a reader of an audit should know of its patients and studies, a sentence each."""

import numpy as np
from numpy.typing import NDArray

from relinkage.cohorts.cells import ids
from relinkage.linkage.links import Links
from relinkage.linkage.uncertainty import evened

FEW_PATIENTS, LARGE_SHARE = 30, 0.1
"""Effective patients below which, and the share of the images of one of them above which, a note warns."""


def notes_on(links: Links) -> list[str]:
    """Return a sentence for each thing about patients and studies that bears on how figures are read."""
    notes = []
    if not links.patients_known:
        notes.append(
            "Patients are not known: every study counts as a patient of its own, and intervals are too "
            "narrow where patients repeat."
        )
    notes += absent_ids(links)
    notes += _few_patients(links)
    if len(links.candidate_row) == links.studies < len(links):
        notes.append(
            f"The {len(links):,} images belong to {links.studies:,} studies; a study's report is one "
            "candidate."
        )
    return notes


def absent_ids(links: Links) -> list[str]:
    """Say where cells hold a text that stands for no id; it would have been one id for all of them."""
    columns = [column for column in ("study_id", "patient_id") if column in links.pairs.columns]
    said = [(column, ids(links.pairs[column])[1]) for column in columns]
    return [
        f"{column}: {cells} of {len(links)} cells read nan, None or the like and are taken for empty."
        for column, cells in said
        if cells
    ]


def effective_patients(links: Links) -> float:
    """Return how many patients with equally many images would tell as much."""
    return float(evened(_images_each(links))[0])


def _images_each(links: Links) -> NDArray[np.float64]:
    """Count each patient's images: float64, shape (patients, 1)."""
    return np.unique(links.patient, return_counts=True)[1][:, None].astype(np.float64)


def _few_patients(links: Links) -> list[str]:
    """Warn where intervals rest on few patients, or on one more than on others."""
    images = _images_each(links)
    share, effective = float(images.max() / images.sum()), effective_patients(links)
    who = "patient" if links.patients_known else "study"
    several = "patients" if links.patients_known else "studies"
    notes = []
    if share > LARGE_SHARE:
        notes.append(
            f"One {who} has {share:.0%} of the images, so means over queries are largely about that {who}."
        )
    if effective < FEW_PATIENTS:
        rest = f"Intervals rest on {len(images)} {several}"
        if effective < 0.95 * len(images):
            rest += f", which tell as much as {effective:.3g} with equally many images would"
        notes.append(
            f"{rest}; with so few, figures near 0 or 1 may lie further off than their intervals say."
        )
    return notes
