"""What zero-shot classification asks the text tower, in public words; a file can bring others."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from relinkage.cohorts.tabular import read_table
from relinkage.errors import InputError
from relinkage.files import read_json
from relinkage.usefulness.result import Prompt

TEMPLATES = ("{}.", "no {}.")
"""What says that a label is there, and that it is not, for labels without sentences of their own; names go in
in lower case (after Tiu et al., Nature Biomedical Engineering 2022: "{}" and "no {}")."""

NORMAL = (
    "The lungs are clear. No pleural effusion or pneumothorax. The heart size is normal.",
    "No acute cardiopulmonary process.",
    "Normal chest radiograph.",
)
"""How a report denies all findings at once; these stand beside "no {}." on the denying side of each."""

FINDINGS: dict[str, tuple[str, ...]] = {
    "Atelectasis": (
        "There is mild bibasilar atelectasis.",
        "Atelectasis at the left base.",
        "Moderate right basilar atelectasis.",
    ),
    "Cardiomegaly": (
        "The heart is moderately enlarged.",
        "Moderate cardiomegaly.",
        "The cardiac silhouette is enlarged.",
    ),
    "Consolidation": (
        "There is dense consolidation in the right lower lobe.",
        "Left lower lobe consolidation.",
        "Airspace consolidation is seen.",
    ),
    "Edema": (
        "There is moderate pulmonary edema.",
        "Interstitial edema with vascular congestion.",
        "Severe pulmonary edema.",
    ),
    "Enlarged Cardiomediastinum": (
        "The mediastinum is widened.",
        "Widening of the cardiomediastinal silhouette.",
        "Enlarged mediastinal contours.",
    ),
    "Fracture": ("There is a rib fracture.", "Fracture of a left rib.", "Displaced right rib fracture."),
    "Lung Lesion": (
        "There is a nodule in the right upper lobe.",
        "Left lung mass.",
        "A pulmonary nodule is seen.",
    ),
    "Lung Opacity": (
        "There is a hazy opacity in the right lung.",
        "Left lower lobe opacity.",
        "Patchy opacities are seen.",
    ),
    "Pleural Effusion": (
        "There is a moderate right pleural effusion.",
        "Left pleural effusion.",
        "Large bilateral pleural effusions.",
    ),
    "Pleural Other": (
        "There is pleural thickening.",
        "Right apical pleural thickening.",
        "Left pleural scarring.",
    ),
    "Pneumonia": (
        "There is an opacity in the right lower lobe compatible with pneumonia.",
        "Left lower lobe pneumonia.",
        "Airspace disease consistent with pneumonia.",
    ),
    "Pneumothorax": (
        "There is a moderate right pneumothorax.",
        "Left apical pneumothorax.",
        "Large pneumothorax is seen.",
    ),
    "Support Devices": (
        "Endotracheal tube ends above the carina.",
        "Central venous catheter ends in the superior vena cava.",
        "Left chest wall pacemaker.",
        "Enteric tube ends in the stomach.",
    ),
}
"""How a report names a finding, in a few wordings: text towers that saw reports know sentences, not names."""

_SHAPE = 'a JSON object such as {"Edema": {"positive": ["edema."], "negative": ["no edema."]}}'


def public_prompts(labels: Sequence[str]) -> dict[str, Prompt]:
    """Give the public prompts of some labels.

    A CheXpert finding is named by `FINDINGS` and denied by "no {}." and `NORMAL`; "No Finding" the other way
    round; any other label is named and denied by `TEMPLATES`.
    """
    prompts = {}
    for label in labels:
        named, denied = (template.format(label.lower()) for template in TEMPLATES)
        if label == "No Finding":
            # A study with a device and nothing else is labelled "No Finding" all the same.
            ill = tuple(said[0] for name, said in FINDINGS.items() if name != "Support Devices")
            prompts[label] = Prompt(positive=NORMAL, negative=ill)
        elif label in FINDINGS:
            prompts[label] = Prompt(positive=FINDINGS[label], negative=(denied, *NORMAL))
        else:
            prompts[label] = Prompt(positive=(named,), negative=(denied,))
    return prompts


def read_prompts(path: Path) -> dict[str, Prompt]:
    """Read prompts that replace the public ones, label by label.

    Args:
        path: a JSON object from labels to `positive` and `negative`, each a sentence or a list of them; or a
            CSV or Parquet table with the columns `label`, `positive` and `negative`, where a label may have
            several rows and a cell may be empty.

    Raises:
        InputError: the file cannot be read, or a label lacks a positive or a negative prompt.
    """
    given: dict[str, dict[str, list[str]]]
    if path.suffix.lower() == ".json":
        content = read_json(path, "prompts for zero-shot labels")
        given = {label: _of_json(path, sides) for label, sides in content.items()}
    else:
        table = read_table(path)
        missing = [column for column in ("label", "positive", "negative") if column not in table.columns]
        if missing:
            raise InputError(f"{path} lacks the column {missing[0]}; give label, positive and negative.")
        given = {}
        for row in table.iter_rows(named=True):
            sides = given.setdefault(str(row["label"]), {"positive": [], "negative": []})
            for side, prompts in sides.items():
                prompts += [str(row[side])] if row[side] is not None else []
    for label, sides in given.items():
        given[label] = {side: [p.strip() for p in said if p.strip()] for side, said in sides.items()}
        for side, prompts in given[label].items():
            if not prompts:
                raise InputError(f"{path} has no {side} prompt for {label!r}; give at least one.")
    return {
        label: Prompt(positive=tuple(said["positive"]), negative=tuple(said["negative"]))
        for label, said in given.items()
    }


def _of_json(path: Path, sides: Any) -> dict[str, list[str]]:
    if not isinstance(sides, dict) or set(sides) != {"positive", "negative"}:
        raise InputError(f"{path} holds no prompts as expected; give {_SHAPE}.")
    read = {side: [said] if isinstance(said, str) else said for side, said in sides.items()}
    if not all(isinstance(said, list) and all(isinstance(s, str) for s in said) for said in read.values()):
        raise InputError(f"{path} holds no prompts as expected; give {_SHAPE}.")
    return read
