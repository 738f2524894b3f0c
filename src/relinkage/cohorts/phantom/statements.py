"""What a reader says of a scene, sentence by sentence: findings, devices, remarks and negatives."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from relinkage.cohorts.labels import NEGATIVE, POSITIVE, UNCERTAIN
from relinkage.cohorts.phantom import phrases
from relinkage.cohorts.phantom.phrases import Reader
from relinkage.cohorts.phantom.scene import Device, Finding, FindingKind, Scene

Topic = Literal["devices", "lungs", "pleura", "heart", "bones"]

_TOPICS: dict[FindingKind, Topic] = {
    "effusion": "pleura",
    "pneumothorax": "pleura",
    "thickening": "pleura",
    "fracture": "bones",
    "hernia": "heart",
}
_HEDGED = frozenset({"effusion", "consolidation", "pneumonia", "opacity", "atelectasis", "edema", "nodule"})


@dataclass(frozen=True)
class Statement:
    """One sentence of a report.

    Attributes:
        topic: the organ it is about.
        text: the sentence.
        labels: the labels it mentions, each with what it says.
        acute: whether it belongs into an impression.
    """

    topic: Topic
    text: str
    labels: tuple[tuple[str, int], ...] = ()
    acute: bool = False


def finding_statements(
    scene: Scene, prior: Scene | None, reader: Reader, rng: np.random.Generator
) -> list[Statement]:
    """Name the findings, but for a few that are overlooked, and what has resolved since the study before."""
    compares = prior is not None and rng.random() < reader.compares
    seen = [f for f in scene.findings if rng.random() > (0.4 if f.size < 0.12 else 0.04)]
    statements = []
    for kind in dict.fromkeys(finding.kind for finding in seen):
        same = [finding for finding in seen if finding.kind == kind]
        if len(same) == 2 and kind in phrases.BILATERAL:
            phrase = _bilateral(kind, same, reader)
            labels = tuple((label, POSITIVE) for label in phrases.LABELS[kind])
            text = _sentence(phrase, reader, plural=kind == "effusion", uncounted=kind != "effusion")
            statements.append(Statement(_TOPICS.get(kind, "lungs"), text, labels, acute=True))
        else:
            statements += [_finding_statement(f, prior if compares else None, reader, rng) for f in same]
    if compares and prior is not None:
        statements += _resolved(scene, prior)
    return statements


def _finding_statement(
    finding: Finding, prior: Scene | None, reader: Reader, rng: np.random.Generator
) -> Statement:
    kind = finding.kind
    phrase = phrases.FINDINGS[kind][reader.wording].format(
        size=_size(finding, reader),
        side=finding.side,
        place=_place(finding, reader),
        rib=phrases.RIBS[finding.zone],
        height=phrases.HEIGHTS[finding.zone],
    )
    value = POSITIVE
    if kind in _HEDGED and rng.random() < reader.hedges * (1.6 - finding.size):
        phrase, value = f"possible {phrase}", UNCERTAIN
    elif prior is not None and kind in phrases.PLAIN:
        phrase = f"{_change(finding, prior)} {phrase}"
    elif kind == "fracture":
        phrase = f"{'healed' if finding.size < 0.7 else 'acute'} {phrase}"
    labels = tuple((label, value) for label in phrases.LABELS[kind])
    text = _sentence(phrase, reader, uncounted=kind in phrases.UNCOUNTED and "opacity" not in phrase)
    return Statement(_TOPICS.get(kind, "lungs"), text, labels, acute=kind in phrases.PLAIN)


def _bilateral(kind: FindingKind, both: list[Finding], reader: Reader) -> str:
    sizes = {finding.side: _size(finding, reader) for finding in both}
    same, two_sizes, larger = phrases.BILATERAL[kind]
    if sizes["right"] == sizes["left"]:
        return same.format(size=sizes["right"])
    if reader.wording == 0:
        return two_sizes.format(**sizes)
    return larger.format(larger=max(both, key=lambda finding: finding.size).side)


def _change(finding: Finding, prior: Scene) -> str:
    before = [f.size for f in prior.findings if f.kind == finding.kind and f.side == finding.side]
    if not before:
        return "new"
    growth = finding.size - before[0]
    return "increased" if growth > 0.12 else "decreased" if growth < -0.12 else "unchanged"


def _resolved(scene: Scene, prior: Scene) -> list[Statement]:
    now = {(finding.kind, finding.side) for finding in scene.findings}
    return [
        Statement(
            _TOPICS.get(finding.kind, "lungs"),
            f"Previously seen {phrases.PLAIN[finding.kind].format(side=finding.side)} has resolved.",
            tuple((label, NEGATIVE) for label in phrases.LABELS[finding.kind]),
        )
        for finding in prior.findings
        if finding.kind in phrases.PLAIN and finding.size > 0.12 and (finding.kind, finding.side) not in now
    ]


def device_statements(
    scene: Scene, prior: Scene | None, reader: Reader, rng: np.random.Generator
) -> list[Statement]:
    """Name the devices one by one, or say at once that they are unchanged."""
    if not scene.devices:
        return []
    positive = (("Support Devices", POSITIVE),)
    if prior is not None and scene.devices == prior.devices and rng.random() < 0.3 * reader.compares:
        return [Statement("devices", "Support devices are unchanged in position.", positive)]
    return [
        Statement("devices", _device_sentence(device, reader), positive if device.kind != "clips" else ())
        for device in scene.devices
        if rng.random() > 0.04
    ]


def _device_sentence(device: Device, reader: Reader) -> str:
    text = phrases.DEVICES[device.kind][reader.wording].format(
        side=device.side,
        Side=device.side.capitalize(),
        tip=phrases.TIPS[device.kind][device.variant],
    )
    return _capitalised(text)


def remarks(scene: Scene, reader: Reader, rng: np.random.Generator) -> list[Statement]:
    """Say what is out of the normal in heart, mediastinum, inspiration, diaphragm, aorta and spine."""
    habitus = scene.habitus
    remarks: list[Statement] = []
    level = next(i for i, (bound, *_) in enumerate(phrases.HEART) if scene.heart < bound)
    if level:
        value = UNCERTAIN if level == 1 else POSITIVE
        text = phrases.HEART[level][1 + reader.wording]
        remarks.append(Statement("heart", str(text), (("Cardiomegaly", value),), acute=level > 1))
    if scene.mediastinum > 0.5:
        wide = (("Enlarged Cardiomediastinum", POSITIVE),)
        remarks.append(Statement("heart", "The mediastinum is widened.", wide, acute=True))
    optional: list[tuple[bool, Topic, tuple[str, str]]] = [
        (scene.volume < -0.65, "lungs", ("Lung volumes are low.", "Low inspiratory volumes.")),
        (scene.volume > 0.65, "lungs", ("The lungs are hyperinflated.", "Hyperexpanded lungs.")),
        (habitus.aorta > 0.65, "heart", ("The aorta is tortuous.", "Unfolded thoracic aorta.")),
        (
            habitus.raised is not None,
            "pleura",
            (f"The {habitus.raised} hemidiaphragm is elevated.", f"Elevated {habitus.raised} hemidiaphragm."),
        ),
        (habitus.scoliosis > 0.45, "bones", ("Levoscoliosis of the spine.", "Leftward thoracic scoliosis.")),
        (
            habitus.scoliosis < -0.45,
            "bones",
            ("Dextroscoliosis of the spine.", "Rightward thoracic scoliosis."),
        ),
        (
            scene.age > 78,
            "bones",
            ("Degenerative changes of the thoracic spine.", "Multilevel degenerative spine changes."),
        ),
    ]
    for shown, topic, texts in optional:
        if shown and rng.random() < 0.8:
            remarks.append(Statement(topic, texts[reader.wording]))
    return remarks


def negatives(statements: list[Statement], reader: Reader) -> list[Statement]:
    """State the absence of what the reader always looks for and has not mentioned."""
    said = {label for statement in statements for label, _ in statement.labels}
    if said & {"Pneumonia", "Lung Opacity"}:
        said.add("Consolidation")
    absent = reader.negatives - said
    pleura = tuple(label for label in ("Pleural Effusion", "Pneumothorax") if label in absent)
    lines: list[tuple[Topic, str, tuple[str, ...]]] = [
        ("lungs", "No focal consolidation.", ("Consolidation",)),
        ("pleura", f"No {' or '.join(pleura).lower()}.", pleura),
        ("lungs", "No pulmonary edema.", ("Edema",)),
        ("heart", "Heart size is normal.", ("Cardiomegaly",)),
        ("heart", "Mediastinal contours are normal.", ("Enlarged Cardiomediastinum",)),
        ("bones", "No acute fracture.", ("Fracture",)),
    ]
    return [
        Statement(topic, text, tuple((label, NEGATIVE) for label in labels))
        for topic, text, labels in lines
        if labels and absent.issuperset(labels)
    ]


def _size(finding: Finding, reader: Reader) -> str:
    words = phrases.SIZES[finding.kind][reader.wording]
    return words[min(int(finding.size * len(words)), len(words) - 1)]


def _place(finding: Finding, reader: Reader) -> str:
    if reader.wording == 0:
        return f"{finding.side} {finding.zone} lung zone"
    return phrases.LOBES[finding.side, finding.zone]


def _sentence(phrase: str, reader: Reader, *, plural: bool = False, uncounted: bool = False) -> str:
    article = "" if plural or uncounted else "an " if phrase[0] in "aeiou" else "a "
    text = phrases.FRAMES[reader.frame].format(
        verb="are" if plural else "is", article=article, phrase=phrase, Phrase=_capitalised(phrase)
    )
    return text.replace(",.", ".")


def _capitalised(text: str) -> str:
    return text[0].upper() + text[1:]
