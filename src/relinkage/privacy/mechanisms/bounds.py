"""What bounds each mechanism, by its name."""

from relinkage.encoders.trained.hardening import MechanismName
from relinkage.privacy.mechanisms import grouped, label_anchored, logit, nominal, one_shot, public_negatives
from relinkage.privacy.mechanisms.protocol import Sensitivity


def sensitivity_of(name: MechanismName, temperature: float, population: int) -> Sensitivity:
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
