"""Matching: the setting of a control at which it is as useful as the hardened heads.

Less linkage is easily had for less use. So a control is turned up until a measure of usefulness equals that
of the hardened heads, and only then is its linkage looked at.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from relinkage.defences.result import Match
from relinkage.defences.settings import Measure
from relinkage.encoders.heads import HeadPair


@dataclass(frozen=True)
class Knob:
    """A control with a strength.

    Attributes:
        name: what is turned, such as `steps`.
        settings: its values in order, from no change to the most.
        heads: gives the heads at a setting.
    """

    name: str
    settings: Sequence[float]
    heads: Callable[[float], HeadPair]


def match(
    knob: Knob,
    usefulness: Callable[[HeadPair, Measure], float],
    targets: dict[Measure, float],
    tolerance: float,
) -> Match:
    """Search the knob for the hardened heads' usefulness, measure after measure until one can be reached.

    A measure can be reached where the target lies between what both ends of the knob give. Then bisection
    over the settings ends at two neighbours around the target, and the nearer one is taken.

    Args:
        knob: what is turned.
        usefulness: gives a measure of some heads by its name.
        targets: of the hardened heads, by measure, the one to match first coming first.
        tolerance: how far apart two figures may be and still count as matched.

    Returns:
        The match of the first measure that is held; where none is, the nearest of the first measure.
    """
    first = None
    for measure, target in targets.items():
        value = cache(_at(knob, usefulness, measure))
        found = _nearest(value, knob.settings, measure, target, tolerance)
        if found.held:
            return found
        first = first or found
    if first is None:
        raise ValueError("there is no measure to match")
    return first


def _at(
    knob: Knob, usefulness: Callable[[HeadPair, Measure], float], measure: Measure
) -> Callable[[int], float]:
    return lambda place: usefulness(knob.heads(knob.settings[place]), measure)


def _nearest(
    value: Callable[[int], float],
    settings: Sequence[float],
    measure: Measure,
    target: float,
    tolerance: float,
) -> Match:
    looked = [0, len(settings) - 1]
    rising = value(looked[1]) >= value(looked[0])
    low, high = looked
    inside = min(map(value, looked)) <= target <= max(map(value, looked))
    while inside and high - low > 1:
        middle = (low + high) // 2
        looked.append(middle)
        if (value(middle) < target) == rising:
            low = middle
        else:
            high = middle
    place = min(looked, key=lambda place: (abs(value(place) - target), -place))
    return Match(
        setting=float(settings[place]),
        measure=measure,
        target=target,
        reached=value(place),
        held=abs(value(place) - target) <= tolerance,
    )
