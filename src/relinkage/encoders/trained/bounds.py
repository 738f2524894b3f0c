"""How far one unit can move the sum that noise is added to, for each mechanism, and why."""

import math
from dataclasses import dataclass

from relinkage.encoders.trained.hardening import MechanismName


@dataclass(frozen=True)
class Sensitivity:
    """How far adding or removing one unit can move the sum that noise is added to.

    Attributes:
        multiple: the bound, in clipping norms.
        proven: whether it is a bound; where not, it is what common practice assumes.
        reason: why, in a sentence.
    """

    multiple: float
    proven: bool
    reason: str


BOUNDS: dict[MechanismName, Sensitivity] = {
    "label-anchored": Sensitivity(
        1.0,
        True,
        "A unit's loss depends on the unit, on public anchors and on the heads that earlier steps released, "
        "so adding a unit adds one clipped gradient.",
    ),
    "public-negatives": Sensitivity(
        1.0,
        True,
        "A unit's loss depends on the unit, on public negatives and on the heads that earlier steps "
        "released, so adding a unit adds one clipped gradient.",
    ),
    "grouped": Sensitivity(
        2.0,
        True,
        "A unit's group follows from the unit and the step alone, so adding it changes one group's gradient, "
        "and two vectors of norm C differ by 2C at most.",
    ),
    "batch-clip": Sensitivity(
        2.0,
        True,
        "The whole batch has one clipped gradient, and two vectors of norm C differ by 2C at most.",
    ),
    "one-shot": Sensitivity(
        1.0,
        True,
        "A unit adds the mean of v·vᵀ over its pairs, v of norm 1, whose Frobenius norm is 1 at most.",
    ),
    "nominal": Sensitivity(
        1.0,
        False,
        "Assumed, not proven: a unit's text is a negative of every other unit, so adding one changes all of "
        "the clipped gradients; with n units the sum can move by 2n − 1 norms.",
    ),
}
"""Of all mechanisms but `logit`, whose bound depends on its temperature."""


def logit_bound(temperature: float, units: int | None = None) -> Sensitivity:
    """Bound how far one pair moves the sum of `logit`: (2/τ)·[1 + (n−1)·e^{2/τ}/(e^{2/τ} + n−1)] norms.

    With rows' softmax p_ij, the sum is Σ_ij (p_ij − [i = j])/τ · ∇s_ij, each ∇s_ij of norm B at most. A new
    pair's own row adds 2(1 − p)B/τ at most. In each of the n − 1 others, the new column takes the mass p from
    the rest, which moves the row by 2pB/τ, and p ≤ e^{2/τ}/(e^{2/τ} + n − 1) for cosines. The mean over both
    directions has the same bound. The code published with 2310.03104 leaves out 1/τ.

    Args:
        temperature: τ.
        units: n, the largest number of pairs that a batch can hold; any number where None, for the bound
            grows with n to (2/τ)·(1 + e^{2/τ}).
    """
    if units is None:
        taken = math.exp(2 / temperature)
    else:  # e^{2/τ}/(e^{2/τ} + m) without overflow at small τ
        taken = (units - 1) / (1 + (units - 1) * math.exp(-2 / temperature))
    return Sensitivity(
        2 / temperature * (1 + taken),
        True,
        "Every similarity's gradient is clipped, and cosines bound how much softmax mass a new pair can take "
        "from the others.",
    )


def sensitivity_of(name: MechanismName, temperature: float) -> Sensitivity:
    """Give the bound of a mechanism by its name, for batches of any size.

    Args:
        name: the mechanism.
        temperature: τ, which only `logit` rests on.
    """
    return logit_bound(temperature) if name == "logit" else BOUNDS[name]
