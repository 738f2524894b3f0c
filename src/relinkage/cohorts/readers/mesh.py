"""MeSH annotations of Open-I as CheXpert labels, where they map."""

import re
from collections.abc import Callable, Iterable

import polars as pl

from relinkage.cohorts.labels import CHEXPERT_LABELS, NO_FINDING, POSITIVE

_HEADINGS = {
    "atelectasis": "Atelectasis",
    "pulmonary atelectasis": "Atelectasis",
    "cardiomegaly": "Cardiomegaly",
    "consolidation": "Consolidation",
    "pulmonary consolidation": "Consolidation",
    "pulmonary edema": "Edema",
    "fractures, bone": "Fracture",
    "rib fractures": "Fracture",
    "spinal fractures": "Fracture",
    "lung neoplasms": "Lung Lesion",
    "solitary pulmonary nodule": "Lung Lesion",
    "multiple pulmonary nodules": "Lung Lesion",
    "airspace disease": "Lung Opacity",
    "pleural effusion": "Pleural Effusion",
    "pneumonia": "Pneumonia",
    "bronchopneumonia": "Pneumonia",
    "pneumothorax": "Pneumothorax",
    "hydropneumothorax": "Pneumothorax",
    "catheters, indwelling": "Support Devices",
    "implanted medical device": "Support Devices",
    "medical device": "Support Devices",
    "tube, inserted": "Support Devices",
    "pacemaker, artificial": "Support Devices",
}
"""Labels by main heading, whatever its qualifiers."""

_QUALIFIED = {
    ("nodule", "lung"): "Lung Lesion",
    ("mass", "lung"): "Lung Lesion",
    ("opacity", "lung"): "Lung Opacity",
    ("infiltrate", "lung"): "Lung Opacity",
    ("thickening", "pleura"): "Pleural Other",
    ("cardiac shadow", "enlarged"): "Cardiomegaly",
    ("mediastinum", "enlarged"): "Enlarged Cardiomediastinum",
}
"""Labels by main heading and one of its qualifiers; `lung` also stands for its lobes and bases."""

_LUNG = re.compile(r"\b(lung|lungs|pulmonary|lobe|lingula|bronchovascular)\b")


def mesh_labels(terms: Iterable[str]) -> set[str]:
    """Give the CheXpert labels that MeSH terms state.

    A term is a main heading with qualifiers after slashes (`Opacity/lung/base/left`); case does not matter.
    Headings without a counterpart among the 14 labels give none. `normal` is No Finding. Terms state only
    what is there, so labels that are not stated are not mentioned, never negative.

    Args:
        terms: terms, each with its qualifiers.
    """
    labels = set()
    for term in terms:
        heading, *rest = (part.strip().lower() for part in term.split("/"))
        qualifiers = {"lung" if _LUNG.search(part) else part for part in rest}
        if heading == "normal":
            labels.add(NO_FINDING)
        elif heading in _HEADINGS:
            labels.add(_HEADINGS[heading])
        labels |= {_QUALIFIED[heading, part] for part in qualifiers if (heading, part) in _QUALIFIED}
    return labels


def mesh_columns(mesh: pl.Series, terms: Callable[[str], Iterable[str]]) -> pl.DataFrame:
    """Give the 14 label columns of a column of MeSH annotations.

    Args:
        mesh: the annotations of each report; null where there are none.
        terms: what splits them.
    """
    stated = [mesh_labels(terms(text)) if text else set() for text in mesh]
    return pl.DataFrame(
        {
            label: pl.Series([POSITIVE if label in each else None for each in stated], dtype=pl.Int8)
            for label in CHEXPERT_LABELS
        }
    )
