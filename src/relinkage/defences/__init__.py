"""Control heads: what lowers linkage without privacy, to hold against heads that were hardened.

Open `matching` for how a control is given the usefulness of the hardened heads.
"""

from relinkage.defences.dimension_cut import cut, principal_axes
from relinkage.defences.group_norm import swapped_norm
from relinkage.defences.matching import Knob, Match, match
from relinkage.defences.rotation import rotated
from relinkage.defences.training import early_stops, trained, without_clipping, without_noise
from relinkage.defences.weight_noise import with_weight_noise

__all__ = [
    "Knob",
    "Match",
    "cut",
    "early_stops",
    "match",
    "principal_axes",
    "rotated",
    "swapped_norm",
    "trained",
    "with_weight_noise",
    "without_clipping",
    "without_noise",
]
