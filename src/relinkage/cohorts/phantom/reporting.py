"""From a scene to the report that one of several radiologists would write about it, and its labels.

Realistic: laterality, zone, extent, devices with their tips, negatives, hedges, comparison with the study
before, omissions, house styles, and template normals that are identical word for word. Not realistic: the
grammar is small, nobody contradicts the image, and the labels are exact for the text, where public data
sets use a labeller that errs.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from relinkage.cohorts.labels import NEGATIVE, POSITIVE, UNCERTAIN
from relinkage.cohorts.phantom.phrases import READERS, Reader
from relinkage.cohorts.phantom.scene import Scene, View
from relinkage.cohorts.phantom.site import Site
from relinkage.cohorts.phantom.statements import (
    Statement,
    Topic,
    device_statements,
    finding_statements,
    negatives,
    remarks,
)

_HEADINGS: dict[Topic, str] = {
    "devices": "LINES AND TUBES",
    "lungs": "LUNGS",
    "pleura": "PLEURA",
    "heart": "HEART AND MEDIASTINUM",
    "bones": "BONES",
}

_TECHNIQUES: dict[tuple[View, ...], str] = {
    ("PA",): "PA view.",
    ("PA", "LATERAL"): "PA and lateral views.",
    ("AP",): "Portable AP view.",
    ("AP", "AP"): "Portable AP views.",
}


@dataclass(frozen=True)
class Report:
    """What is written about a study.

    Attributes:
        text: the report.
        labels: the CheXpert labels it mentions: 1 present, 0 absent, −1 uncertain.
    """

    text: str
    labels: dict[str, int]


def write_report(scene: Scene, prior: Scene | None, site: Site, rng: np.random.Generator) -> Report:
    """Write the report of a study.

    Args:
        scene: the study.
        prior: the patient's study before, if there is one.
        site: who reads there.
        rng: which reader it is, and what that reader leaves out, hedges or words differently.
    """
    reader = READERS[site.readers[int(rng.integers(len(site.readers)))]]
    statements = [
        *device_statements(scene, prior, reader, rng),
        *finding_statements(scene, prior, reader, rng),
        *remarks(scene, reader, rng),
    ]
    if not statements and rng.random() < site.template:
        return _template_normal(scene, reader)
    statements += negatives(statements, reader)
    compared = prior is not None and rng.random() < reader.compares
    text = _lay_out(statements, scene, reader, compared, rng)
    return Report(text, _labels(statement.labels for statement in statements))


def _template_normal(scene: Scene, reader: Reader) -> Report:
    text = reader.normals["LATERAL" in scene.views]
    mentions = (
        ("consolidation", "Consolidation"),
        ("effusion", "Pleural Effusion"),
        ("pneumothorax", "Pneumothorax"),
        ("fracture", "Fracture"),
        ("heart", "Cardiomegaly"),
        ("cardiac silhouette", "Cardiomegaly"),
        ("mediastin", "Enlarged Cardiomediastinum"),
    )
    absent = tuple((label, NEGATIVE) for word, label in mentions if word in text.casefold())
    return Report(text, _labels([absent]))


def _lay_out(
    statements: list[Statement], scene: Scene, reader: Reader, compared: bool, rng: np.random.Generator
) -> str:
    acute = [statement.text for statement in statements if statement.acute]
    if reader.layout == "brief":
        others = [statement.text for statement in statements if not statement.acute]
        return " ".join(f"{number}. {text}" for number, text in enumerate(acute + others, 1))
    if reader.layout == "structured":
        return " ".join(f"{heading}: {_said(statements, topic)}" for topic, heading in _HEADINGS.items())
    opening = [_TECHNIQUES[scene.views]]
    if compared:
        opening.append("Comparison is made with the prior study.")
    body = " ".join([*opening, *(statement.text for statement in statements)])
    if reader.layout == "prose":
        return body
    person = "woman" if scene.habitus.sex == "F" else "man"
    indication = f"INDICATION: ___ year old {person} with {_complaint(scene, rng)}."
    impression = " ".join(acute[:3]) or "No acute cardiopulmonary process."
    return f"{indication} FINDINGS: {body} IMPRESSION: {impression}"


def _said(statements: list[Statement], topic: Topic) -> str:
    return " ".join(statement.text for statement in statements if statement.topic == topic) or "Unremarkable."


def _complaint(scene: Scene, rng: np.random.Generator) -> str:
    kinds = {finding.kind for finding in scene.findings}
    if any(device.kind == "endotracheal tube" for device in scene.devices):
        return "respiratory failure"
    likely = [
        complaint
        for kind, complaint in (
            ("pneumonia", "fever and cough"),
            ("edema", "dyspnea"),
            ("effusion", "shortness of breath"),
            ("fracture", "fall"),
            ("pneumothorax", "chest pain"),
        )
        if kind in kinds
    ]
    common = ["cough", "chest pain", "shortness of breath", "fever", "preoperative evaluation"]
    choices = likely if likely and rng.random() < 0.6 else common
    return choices[int(rng.integers(len(choices)))]


def _labels(mentions: Iterable[tuple[tuple[str, int], ...]]) -> dict[str, int]:
    """Fold mentions into one value a label: present wins over uncertain, uncertain over absent."""
    labels: dict[str, int] = {}
    for label, value in (mention for group in mentions for mention in group):
        strongest = max((labels.get(label, NEGATIVE), value), key=lambda v: (v == POSITIVE, v == UNCERTAIN))
        labels[label] = strongest
    if not any(value != NEGATIVE for label, value in labels.items() if label != "Support Devices"):
        labels["No Finding"] = POSITIVE
    return labels
