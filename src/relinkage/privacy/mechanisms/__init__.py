"""Mechanisms of private head training, and what bounds each of them."""

from relinkage.privacy.mechanisms import grouped, label_anchored, logit, nominal, one_shot, public_negatives
from relinkage.privacy.mechanisms.contrast import Contrast, label_columns
from relinkage.privacy.mechanisms.grouped import BatchClip, Grouped
from relinkage.privacy.mechanisms.label_anchored import LabelAnchored
from relinkage.privacy.mechanisms.logit import Logit
from relinkage.privacy.mechanisms.nominal import Nominal
from relinkage.privacy.mechanisms.protocol import Batch, Mechanism, Name, Sensitivity
from relinkage.privacy.mechanisms.public_negatives import PublicNegatives


def sensitivity_of(name: Name, temperature: float, population: int) -> Sensitivity:
    """Give the bound of a mechanism by its name.

    Args:
        name: the mechanism.
        temperature: τ, which only `logit` rests on.
        population: the largest number of units there can be, which only `logit` rests on.
    """
    if name == "logit":
        return logit.sensitivity(temperature, population)
    return {
        "label-anchored": label_anchored.SENSITIVITY,
        "public-negatives": public_negatives.SENSITIVITY,
        "grouped": grouped.GROUPED,
        "batch-clip": grouped.BATCH_CLIP,
        "one-shot": one_shot.SENSITIVITY,
        "nominal": nominal.SENSITIVITY,
    }[name]


__all__ = [
    "Batch",
    "BatchClip",
    "Contrast",
    "Grouped",
    "LabelAnchored",
    "Logit",
    "Mechanism",
    "Name",
    "Nominal",
    "PublicNegatives",
    "Sensitivity",
    "label_columns",
    "sensitivity_of",
]
