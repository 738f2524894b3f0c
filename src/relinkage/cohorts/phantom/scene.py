"""What there is to see: a patient's habitus, and the scene of each study, sampled from a seeded generator.

Realistic: findings, devices and repeated studies come together in inpatients; findings persist, grow and
shrink between a patient's studies; the habitus (thorax, ribs, spine, heart, implants) stays. Not realistic:
prevalences are rounded from public data sets and combined by one hidden sickness, not learned from patients;
anatomy has a dozen degrees of freedom, and nothing in it is modelled on a real person.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from relinkage.cohorts.phantom.site import Site

Sex = Literal["F", "M"]
Side = Literal["right", "left"]
Zone = Literal["upper", "mid", "lower"]
View = Literal["PA", "AP", "LATERAL"]
FindingKind = Literal[
    "effusion",
    "pneumothorax",
    "consolidation",
    "pneumonia",
    "opacity",
    "atelectasis",
    "edema",
    "nodule",
    "granuloma",
    "fracture",
    "thickening",
    "hernia",
]
DeviceKind = Literal[
    "endotracheal tube",
    "enteric tube",
    "jugular catheter",
    "picc",
    "chest tube",
    "pacemaker",
    "sternal wires",
    "valve",
    "clips",
]

SIDES: tuple[Side, Side] = ("right", "left")
ZONES: tuple[Zone, Zone, Zone] = ("upper", "mid", "lower")


@dataclass(frozen=True)
class Finding:
    """Something abnormal at one place.

    Attributes:
        kind: what it is.
        side: the patient's side; the reader of an edema or a hernia ignores it.
        zone: upper, mid or lower zone of the lung.
        size: 0 (barely there) to 1 (as large as it gets).
        place: where in the zone, as two offsets from −1 to 1 that no report mentions.
    """

    kind: FindingKind
    side: Side
    zone: Zone
    size: float
    place: tuple[float, float]


@dataclass(frozen=True)
class Device:
    """A tube, line or implant.

    Attributes:
        kind: what it is.
        side: the side it comes from or lies on; midline devices ignore it.
        variant: leads of a pacemaker (1 or 2), depth of a tube or catheter (0 high, 1 right, 2 deep).
        bend: how it happens to run, from −1 to 1; no report mentions it.
    """

    kind: DeviceKind
    side: Side
    variant: int
    bend: float


@dataclass(frozen=True)
class Habitus:
    """What all studies of a patient share.

    Attributes:
        sex: F or M.
        age: years at the first study.
        inpatient: whether the patient is in hospital.
        width: half-width of the thorax, about 1.
        height: height of the lungs, about 1.
        fat: thickness of the soft tissue, 0 to 1.
        rib_spacing: distance of neighbouring ribs, in units of half the image.
        rib_slope: how steeply ribs fall to the side.
        rib_phase: where the first rib stands, 0 to 1 rib spacings.
        scoliosis: sideways bend of the spine, −1 to 1; beyond 0.45 a reader mentions it.
        heart: cardiothoracic ratio in health, 0.40 to 0.65.
        aorta: 0 (young, straight) to 1 (unfolded and tortuous).
        raised: the side whose hemidiaphragm stands high, if any.
        chronic: findings that every study shows.
        implants: devices that every study shows.
    """

    sex: Sex
    age: float
    inpatient: bool
    width: float
    height: float
    fat: float
    rib_spacing: float
    rib_slope: float
    rib_phase: float
    scoliosis: float
    heart: float
    aorta: float
    raised: Side | None
    chronic: tuple[Finding, ...]
    implants: tuple[Device, ...]


@dataclass(frozen=True)
class Scene:
    """One study: all that its images show and its report may say.

    Attributes:
        habitus: the patient.
        number: 1 for the patient's first study.
        age: years at this study.
        views: the images that are taken, in order.
        heart: cardiothoracic ratio on this day.
        mediastinum: widening of the mediastinum, 0 to 1; above 0.5 it is called enlarged.
        volume: depth of inspiration, −1 (low lung volumes) to 1 (hyperinflated).
        findings: acute and chronic findings.
        devices: temporary devices and implants.
    """

    habitus: Habitus
    number: int
    age: float
    views: tuple[View, ...]
    heart: float
    mediastinum: float
    volume: float
    findings: tuple[Finding, ...]
    devices: tuple[Device, ...]


_ACUTE: dict[FindingKind, tuple[float, float]] = {
    "effusion": (0.08, 0.26),
    "pneumothorax": (0.012, 0.05),
    "consolidation": (0.02, 0.05),
    "pneumonia": (0.035, 0.06),
    "opacity": (0.06, 0.13),
    "atelectasis": (0.06, 0.16),
    "edema": (0.04, 0.22),
    "nodule": (0.05, 0.02),
}
"""Chance that a finding appears on a given side in a study: of an outpatient, of an inpatient."""

_TEMPORARY: dict[DeviceKind, tuple[float, float]] = {
    "endotracheal tube": (0.0, 0.15),
    "enteric tube": (0.0, 0.16),
    "jugular catheter": (0.01, 0.16),
    "picc": (0.02, 0.10),
}
"""The same for temporary devices, a study."""

_CHRONIC: dict[FindingKind, float] = {"granuloma": 0.05, "fracture": 0.06, "thickening": 0.06, "hernia": 0.03}
_IMPLANTS: dict[DeviceKind, float] = {"pacemaker": 0.06, "sternal wires": 0.09, "clips": 0.06}
"""Chance that a middle-aged patient has a chronic finding or an implant; it rises with age."""

_PERSISTS = 0.62
"""Chance that an acute finding or a temporary device is still there in the patient's next study."""


def sample_habitus(rng: np.random.Generator, site: Site) -> Habitus:
    """Sample a patient of a site."""
    age = float(np.clip(rng.normal(61, 17), 18, 97))
    old = (age - 18) / 79
    chronic: list[Finding] = []
    for kind, chance in _CHRONIC.items():
        if rng.random() < chance * (0.4 + 1.2 * old):
            chronic.append(_finding(rng, kind))
    implants: list[Device] = []
    for implant, chance in _IMPLANTS.items():
        if rng.random() < chance * (0.2 + 1.6 * old):
            implants.append(_device(rng, implant))
    if any(device.kind == "sternal wires" for device in implants) and rng.random() < 0.3:
        implants.append(_device(rng, "valve"))
    return Habitus(
        sex="F" if rng.random() < 0.48 else "M",
        age=age,
        inpatient=bool(rng.random() < site.inpatients),
        width=float(np.clip(rng.normal(1.0, 0.06), 0.84, 1.14)),
        height=float(np.clip(rng.normal(1.0, 0.07), 0.82, 1.16)),
        fat=float(rng.beta(2, 3)),
        rib_spacing=float(rng.uniform(0.145, 0.19)),
        rib_slope=float(rng.uniform(0.10, 0.42)),
        rib_phase=float(rng.random()),
        scoliosis=float(np.clip(rng.normal(0, 0.24), -1, 1)),
        heart=float(np.clip(rng.normal(0.43 + 0.06 * old, 0.045), 0.36, 0.66)),
        aorta=float(np.clip(rng.normal(0.75 * old - 0.1, 0.18), 0, 1)),
        raised=_pick(rng, SIDES) if rng.random() < 0.06 else None,
        chronic=tuple(chronic),
        implants=tuple(implants),
    )


def sample_studies(rng: np.random.Generator, site: Site, habitus: Habitus) -> list[Scene]:
    """Sample the studies of a patient in order: a geometric number of them, more for inpatients."""
    count = min(int(rng.geometric(0.45 if habitus.inpatient else 0.72)), 12)
    studies: list[Scene] = []
    for number in range(1, count + 1):
        studies.append(_study(rng, site, habitus, number, studies[-1] if studies else None))
    return studies


def _study(rng: np.random.Generator, site: Site, habitus: Habitus, number: int, prior: Scene | None) -> Scene:
    acute = _carry_over(rng, prior)
    for kind, chances in _ACUTE.items():
        chance = chances[habitus.inpatient] * site.sickness * (0.35 if prior else 1.0)
        for side in SIDES[: 1 if kind == "edema" else 2]:
            if rng.random() < chance and not any(f.kind == kind and f.side == side for f in acute):
                acute.append(_finding(rng, kind, side))
    devices = [
        device
        for device in (prior.devices if prior else ())
        if device.kind in _TEMPORARY and rng.random() < _PERSISTS
    ]
    for device_kind, device_chances in _TEMPORARY.items():
        known = any(device.kind == device_kind for device in devices)
        if not known and rng.random() < device_chances[habitus.inpatient] * site.sickness:
            devices.append(_device(rng, device_kind))
    drained = {f.side for f in acute if f.kind in ("pneumothorax", "effusion") and f.size > 0.45}
    devices += [
        replace(_device(rng, "chest tube"), side=side) for side in sorted(drained) if rng.random() < 0.4
    ]
    ill = habitus.inpatient and bool(devices or rng.random() < 0.6)
    mediastinum = prior.mediastinum if prior else float(rng.beta(1.2, 6))
    return Scene(
        habitus=habitus,
        number=number,
        age=prior.age + float(rng.exponential(0.1)) if prior else habitus.age,
        views=_views(rng, site, ill),
        heart=float(np.clip(habitus.heart + rng.normal(0.03 * ill, 0.02), 0.38, 0.70)),
        mediastinum=mediastinum,
        volume=float(np.clip(rng.normal(-0.35 if ill else 0.1, 0.4), -1, 1)),
        findings=(*acute, *habitus.chronic),
        devices=(*devices, *habitus.implants),
    )


def _carry_over(rng: np.random.Generator, prior: Scene | None) -> list[Finding]:
    kept: list[Finding] = []
    for finding in prior.findings if prior else ():
        if finding.kind in _ACUTE and (finding.kind == "nodule" or rng.random() < _PERSISTS):
            step = 0.04 if finding.kind == "nodule" else 0.22
            kept.append(replace(finding, size=float(np.clip(finding.size + rng.normal(0, step), 0.03, 1))))
    return kept


def _views(rng: np.random.Generator, site: Site, ill: bool) -> tuple[View, ...]:
    draw = rng.random()
    if ill:
        return ("AP", "AP") if draw < 0.12 else ("AP",)
    return ("PA", "LATERAL") if draw < site.lateral else ("PA",)


def _finding(rng: np.random.Generator, kind: FindingKind, side: Side | None = None) -> Finding:
    low = kind == "atelectasis" or (kind in ("consolidation", "pneumonia", "opacity") and rng.random() < 0.4)
    return Finding(
        kind=kind,
        side=side or _pick(rng, SIDES),
        zone="lower" if low else ZONES[int(rng.integers(3))],
        size=float(rng.beta(1.5, 1.8)),
        place=(float(rng.uniform(-1, 1)), float(rng.uniform(-1, 1))),
    )


def _device(rng: np.random.Generator, kind: DeviceKind) -> Device:
    if kind == "pacemaker":
        side: Side = "left" if rng.random() < 0.8 else "right"
        variant = 1 + int(rng.random() < 0.7)
    else:
        side = "right" if rng.random() < 0.65 else "left"
        variant = int(rng.choice(3, p=(0.15, 0.7, 0.15)))
    return Device(kind, side, variant, float(rng.uniform(-1, 1)))


def _pick(rng: np.random.Generator, sides: tuple[Side, Side]) -> Side:
    return sides[int(rng.random() < 0.5)]
