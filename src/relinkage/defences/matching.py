"""Matching: the setting of a baseline at which it is as useful as the hardened heads.

Less linkage is easily had for less use. So a baseline is turned up until its use equals that of the hardened
heads, and only then is its linkage looked at. Use is label precision in both directions: a probe of images
sees one side only, and what it finds is still there when nothing works across modalities.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from relinkage.defences.released import Released
from relinkage.defences.result import BothWays, Match
from relinkage.defences.settings import Matched


@dataclass(frozen=True)
class Knob:
    """A baseline with a strength.

    Attributes:
        name: what is turned, such as `steps`.
        settings: its values in order, from no change to the most.
        released: gives what is released at a setting.
    """

    name: str
    settings: Sequence[float]
    released: Callable[[float], Released]


_APART: Mapping[Matched, Callable[[BothWays, BothWays], float]] = {
    "both": lambda use, target: min(
        use.image_to_report - target.image_to_report, use.report_to_image - target.report_to_image
    ),
    "image-to-report": lambda use, target: use.image_to_report - target.image_to_report,
    "report-to-image": lambda use, target: use.report_to_image - target.report_to_image,
}
"""How far use lies above the target. In both directions: in that which lies lower."""


def match(
    knob: Knob,
    use: Callable[[Released], BothWays],
    target: BothWays,
    wanted: Sequence[Matched],
    tolerance: float,
) -> Match:
    """Search the knob for the hardened heads' use: in both directions, or in one where both cannot be had.

    A target can be reached where it lies between what both ends of the knob give. Then bisection over the
    settings ends at two neighbours around it, and the nearer one is taken. Matched in both directions means:
    in one as useful as the hardened heads, and in the other no less.

    Args:
        knob: what is turned.
        use: gives the label precision of what is released.
        target: that of the hardened heads.
        wanted: what is matched, the one to try first coming first.
        tolerance: how far apart two figures may be and still count as matched.

    Returns:
        The first match that is held; where none is, the nearest of the first that was wanted.
    """
    if not wanted:
        raise ValueError("there is nothing to match")

    @cache
    def used(place: int) -> BothWays:
        return use(knob.released(knob.settings[place]))

    found = []
    for what in wanted:
        apart = _APART[what]
        place = _nearest(lambda place, apart=apart: apart(used(place), target), len(knob.settings))  # type: ignore[misc]
        held = abs(apart(used(place), target)) <= tolerance
        found.append(
            Match(
                setting=float(knob.settings[place]),
                measure=what,
                target=target,
                reached=used(place),
                held=held,
            )
        )
        if held:
            return found[-1]
    return found[0]


def _nearest(apart: Callable[[int], float], settings: int) -> int:
    """Return the place at which a value that rises or falls over all places is nearest to 0."""
    looked = [0, settings - 1]
    rising = apart(looked[1]) >= apart(looked[0])
    low, high = looked
    inside = min(map(apart, looked)) <= 0 <= max(map(apart, looked))
    while inside and high - low > 1:
        middle = (low + high) // 2
        looked.append(middle)
        if (apart(middle) < 0) == rising:
            low = middle
        else:
            high = middle
    return min(looked, key=lambda place: (abs(apart(place)), -place))
