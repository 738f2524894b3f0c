"""The readers of phantom radiographs and the words they use."""

from dataclasses import dataclass
from typing import Literal

from relinkage.cohorts.phantom.scene import DeviceKind, FindingKind

Layout = Literal["sections", "prose", "structured", "brief"]


_BASIC = frozenset({"Consolidation", "Pleural Effusion", "Pneumothorax"})
_FULL = _BASIC | {"Cardiomegaly", "Edema", "Enlarged Cardiomediastinum", "Fracture"}


@dataclass(frozen=True)
class Reader:
    """How one radiologist writes.

    Attributes:
        layout: `sections` (indication, findings, impression), `prose` (one paragraph), `structured` (a line
            an organ) or `brief` (numbered statements).
        wording: which of the wordings in this module the reader uses, 0 or 1.
        frame: how a finding becomes a sentence, an index into `FRAMES`.
        negatives: the labels whose absence the reader always states.
        hedges: how often the reader calls an unclear finding possible.
        compares: how often the reader compares with the study before.
        normals: template reports for a study that shows nothing: a frontal image alone, with a lateral one.
    """

    layout: Layout
    wording: int
    frame: int
    negatives: frozenset[str]
    hedges: float
    compares: float
    normals: tuple[str, str]


READERS = (
    Reader(
        layout="sections",
        wording=0,
        frame=0,
        negatives=_BASIC | {"Cardiomegaly", "Enlarged Cardiomediastinum"},
        hedges=0.15,
        compares=0.8,
        normals=(
            "FINDINGS: The lungs are clear. No focal consolidation, pleural effusion, or pneumothorax. The "
            "heart size is normal. Mediastinal contours are unremarkable. IMPRESSION: No acute "
            "cardiopulmonary process.",
            "FINDINGS: PA and lateral views of the chest were obtained. The lungs are clear. No focal "
            "consolidation, pleural effusion, or pneumothorax. The heart size is normal. Mediastinal "
            "contours are unremarkable. IMPRESSION: No acute cardiopulmonary process.",
        ),
    ),
    Reader(
        layout="prose",
        wording=1,
        frame=1,
        negatives=_BASIC | {"Cardiomegaly"},
        hedges=0.25,
        compares=0.9,
        normals=(
            "Lungs are clear without consolidation or effusion. There is no pneumothorax. Cardiac silhouette "
            "is within normal limits. No acute findings.",
            "Frontal and lateral radiographs. Lungs are clear without consolidation or effusion. There is no "
            "pneumothorax. Cardiac silhouette is within normal limits. No acute findings.",
        ),
    ),
    Reader(
        layout="structured",
        wording=0,
        frame=2,
        negatives=_FULL,
        hedges=0.1,
        compares=0.4,
        normals=(
            "LUNGS: Clear. PLEURA: No effusion or pneumothorax. HEART AND MEDIASTINUM: Normal in size and "
            "contour. BONES: No acute fracture.",
            "LUNGS: Clear on both views. PLEURA: No effusion or pneumothorax. HEART AND MEDIASTINUM: Normal "
            "in size and contour. BONES: No acute fracture.",
        ),
    ),
    Reader(
        layout="brief",
        wording=1,
        frame=2,
        negatives=frozenset({"Pneumothorax"}),
        hedges=0.2,
        compares=0.7,
        normals=("No acute cardiopulmonary abnormality.", "Normal chest radiographs."),
    ),
    Reader(
        layout="sections",
        wording=1,
        frame=0,
        negatives=_BASIC,
        hedges=0.3,
        compares=0.5,
        normals=(
            "FINDINGS: Normal heart, lungs and pleura. IMPRESSION: Normal chest.",
            "FINDINGS: Two views. Normal heart, lungs and pleura. IMPRESSION: Normal chest.",
        ),
    ),
)
"""The radiologists; a site employs some of them."""

FRAMES = ("There {verb} {article}{phrase}.", "{Phrase} {verb} seen.", "{Phrase}.")

FINDINGS: dict[FindingKind, tuple[str, str]] = {
    "effusion": ("{size} {side} pleural effusion", "{side} pleural effusion, {size} in amount,"),
    "pneumothorax": ("{size} {side} apical pneumothorax", "{side} pneumothorax, {size} in extent,"),
    "consolidation": ("{size} consolidation in the {place}", "{place} consolidation, {size} in extent,"),
    "pneumonia": (
        "{size} opacity in the {place} compatible with pneumonia",
        "{size} {place} airspace disease consistent with pneumonia",
    ),
    "opacity": ("{size} hazy opacity in the {place}", "{size} ill-defined {place} opacity"),
    "atelectasis": ("{size} {side} basilar atelectasis", "{size} atelectasis at the {side} base"),
    "edema": ("{size} pulmonary edema", "{size} interstitial edema with perihilar haze"),
    "nodule": ("{size} nodule in the {place}", "{place} nodule measuring {size}"),
    "granuloma": ("calcified granuloma in the {place}", "{place} calcified granuloma"),
    "fracture": ("fracture of a {side} {rib} rib", "{side} {rib} rib fracture"),
    "thickening": (
        "{size} {side} {height} pleural thickening",
        "{side} pleural thickening, {size}, {height},",
    ),
    "hernia": ("hiatal hernia", "retrocardiac air-fluid level of a hiatal hernia"),
}
"""A phrase a kind, in each wording."""

BILATERAL: dict[FindingKind, tuple[str, str, str]] = {
    "effusion": (
        "{size} bilateral pleural effusions",
        "bilateral pleural effusions, {right} on the right and {left} on the left,",
        "bilateral pleural effusions, larger on the {larger},",
    ),
    "atelectasis": (
        "{size} bibasilar atelectasis",
        "bibasilar atelectasis, {right} on the right and {left} on the left,",
        "bibasilar atelectasis, more on the {larger},",
    ),
}
"""A phrase where both sides show the same: of one size; of two sizes, in each wording."""

PLAIN: dict[FindingKind, str] = {
    "effusion": "{side} pleural effusion",
    "pneumothorax": "{side} pneumothorax",
    "consolidation": "{side} consolidation",
    "pneumonia": "{side} pneumonia",
    "opacity": "{side} opacity",
    "atelectasis": "{side} atelectasis",
    "edema": "pulmonary edema",
    "nodule": "{side} nodule",
}
"""How an acute finding is named in a line without its size."""

UNCOUNTED: frozenset[FindingKind] = frozenset(
    {"consolidation", "atelectasis", "edema", "thickening", "pneumonia"}
)
"""Findings that take no article."""

_EXTENT = (("trace", "small", "moderate", "large"), ("minimal", "small", "moderate", "large"))
_DENSITY = (("subtle", "mild", "moderate", "extensive"), ("faint", "patchy", "moderate", "dense"))
_DEGREE = (("minimal", "mild", "moderate", "severe"), ("slight", "mild", "moderate", "marked"))

SIZES: dict[FindingKind, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "effusion": _EXTENT,
    "pneumothorax": (("tiny", "small", "moderate", "large"), _EXTENT[1]),
    "consolidation": _DENSITY,
    "pneumonia": _DENSITY,
    "opacity": _DENSITY,
    "atelectasis": _DEGREE,
    "edema": _DEGREE,
    "nodule": (("6 mm", "9 mm", "12 mm", "16 mm", "22 mm"), ("6 mm", "9 mm", "1.2 cm", "1.6 cm", "2.2 cm")),
    "granuloma": (("",), ("",)),
    "fracture": (("",), ("",)),
    "thickening": _DEGREE,
    "hernia": (("",), ("",)),
}
"""Size words from small to large, in each wording."""

LABELS: dict[FindingKind, tuple[str, ...]] = {
    "effusion": ("Pleural Effusion",),
    "pneumothorax": ("Pneumothorax",),
    "consolidation": ("Consolidation",),
    "pneumonia": ("Pneumonia", "Lung Opacity"),
    "opacity": ("Lung Opacity",),
    "atelectasis": ("Atelectasis",),
    "edema": ("Edema",),
    "nodule": ("Lung Lesion",),
    "granuloma": (),
    "fracture": ("Fracture",),
    "thickening": ("Pleural Other",),
    "hernia": (),
}
"""The CheXpert labels that a mention of a finding sets."""

LOBES = {
    ("right", "upper"): "right upper lobe",
    ("right", "mid"): "right middle lobe",
    ("right", "lower"): "right lower lobe",
    ("left", "upper"): "left upper lobe",
    ("left", "mid"): "lingula",
    ("left", "lower"): "left lower lobe",
}

RIBS = {"upper": "third", "mid": "sixth", "lower": "ninth"}
HEIGHTS = {"upper": "apical", "mid": "lateral", "lower": "basal"}

DEVICES: dict[DeviceKind, tuple[str, str]] = {
    "endotracheal tube": (
        "Endotracheal tube tip is {tip} above the carina.",
        "ET tube ends {tip} from the carina.",
    ),
    "enteric tube": ("Enteric tube ends in the {tip}.", "NG tube tip projects over the {tip}."),
    "jugular catheter": (
        "{Side} internal jugular central venous catheter ends in the {tip}.",
        "{Side} IJ line with tip at the {tip}.",
    ),
    "picc": ("{Side} PICC ends in the {tip}.", "{Side} PICC line with tip at the {tip}."),
    "chest tube": ("{Side} chest tube is in place.", "{Side} pleural drain."),
    "pacemaker": ("{Side} chest wall {tip} pacemaker.", "{tip} pacing device over the {side} chest."),
    "sternal wires": ("Median sternotomy wires are intact.", "Status post median sternotomy."),
    "valve": ("Prosthetic cardiac valve.", "Status post valve replacement."),
    "clips": ("Cholecystectomy clips in the right upper quadrant.", "Surgical clips project over the liver."),
}
"""A sentence a device, in each wording."""

_VEIN = ("upper SVC", "cavoatrial junction", "right atrium")
TIPS: dict[DeviceKind, tuple[str, str, str]] = {
    "endotracheal tube": ("7 cm", "4 cm", "1 cm"),
    "enteric tube": ("distal esophagus", "stomach", "stomach"),
    "jugular catheter": _VEIN,
    "picc": _VEIN,
    "chest tube": ("", "", ""),
    "pacemaker": ("", "single-lead", "dual-lead"),
    "sternal wires": ("", "", ""),
    "valve": ("", "", ""),
    "clips": ("", "", ""),
}
"""Where a device ends, by its variant (for a pacemaker: its leads)."""

HEART = (
    (0.51, "", ""),
    (0.52, "Heart size is at the upper limits of normal.", "Borderline heart size."),
    (0.57, "The heart is mildly enlarged.", "Mild cardiomegaly."),
    (0.62, "The heart is moderately enlarged.", "Moderate cardiomegaly."),
    (9.99, "The heart is severely enlarged.", "Severe cardiomegaly."),
)
"""Upper bound of the cardiothoracic ratio, and the sentence in each wording."""
