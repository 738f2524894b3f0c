"""The search for a baseline's setting at the hardened heads' use, against looking at every setting."""

from hypothesis import given
from hypothesis import strategies as st

from relinkage.defences import BothWays, Knob, match

numbers = st.floats(0, 1, allow_nan=False, width=32)


def knob(values):
    """A knob whose heads stand for their own place."""
    return Knob("strength", range(len(values)), lambda place: place)


def both(there, back):
    return BothWays(image_to_report=there, report_to_image=back)


def found_in(there, target, back=None, wanted=("both",), tolerance=0.01):
    """Match values that stand at the settings, in the second direction others or the same."""
    looked = []
    back = there if back is None else back

    def use(place):
        looked.append(place)
        return both(there[int(place)], back[int(place)])

    return match(knob(there), use, target, wanted, tolerance), looked


@given(st.lists(numbers, min_size=2, max_size=70), numbers, st.booleans())
def test_it_finds_the_nearest_of_all_settings(values, target, falling):
    values = sorted(values, reverse=falling)
    found, looked = found_in(values, both(target, target))
    reached = found.reached.image_to_report
    assert abs(reached - target) == min(abs(value - target) for value in values)
    assert values[int(found.setting)] == reached
    assert found.held == (abs(reached - target) <= 0.01)
    assert len(looked) <= 9  # two ends and a bisection, none looked at twice
    assert len(looked) == len(set(looked))


@given(
    st.lists(st.tuples(numbers, numbers), min_size=2, max_size=40),
    st.tuples(numbers, numbers),
)
def test_matched_in_both_directions_is_no_less_useful_in_either(values, target):
    there, back = (sorted(side, reverse=True) for side in zip(*values, strict=True))
    found, _ = found_in(there, both(*target), back)
    lacks = [min(a - target[0], b - target[1]) for a, b in zip(there, back, strict=True)]
    place = int(found.setting)
    assert abs(lacks[place]) == min(map(abs, lacks))
    if found.held:
        assert there[place] >= target[0] - 0.01
        assert back[place] >= target[1] - 0.01
        assert min(there[place] - target[0], back[place] - target[1]) <= 0.01


def test_where_no_setting_reaches_the_target_the_nearest_end_is_given_and_not_held():
    found, looked = found_in([0.9, 0.8, 0.7, 0.6], both(0.95, 0.95))
    assert (found.setting, found.reached, found.held) == (0, both(0.9, 0.9), False)
    assert set(looked) == {0, 3}


def test_one_direction_is_tried_where_both_cannot_be_had():
    """Hardening raised one direction above what any setting has, and lowered the other."""
    there, back, target = [0.5, 0.4, 0.3], [0.9, 0.8, 0.7], both(0.6, 0.8)
    every = ("both", "report-to-image", "image-to-report")
    found, _ = found_in(there, target, back, every)
    assert (found.measure, found.setting, found.held) == ("report-to-image", 1, True)
    assert found.reached == both(0.4, 0.8)
    found, _ = found_in(there, both(0.6, 0.99), back, every)
    assert (found.measure, found.setting, found.held) == ("both", 0, False)


def test_of_settings_that_are_as_near_the_strongest_is_taken():
    found, _ = found_in([0.8, 0.8, 0.8], both(0.8, 0.8))
    assert found.setting == 2
