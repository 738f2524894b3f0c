"""The search for a control's setting at the hardened heads' usefulness, against looking at every setting."""

from hypothesis import given
from hypothesis import strategies as st

from relinkage.defences import Knob, match

numbers = st.floats(0, 1, allow_nan=False, width=32)


def knob(values):
    """A knob whose heads stand for their own place."""
    return Knob("strength", range(len(values)), lambda place: place)


def found_in(values, target, tolerance=0.01):
    looked = []

    def usefulness(place, measure):
        looked.append(place)
        return values[int(place)]

    return match(knob(values), usefulness, {"precision": target}, tolerance), looked


@given(st.lists(numbers, min_size=2, max_size=70), numbers, st.booleans())
def test_it_finds_the_nearest_of_all_settings(values, target, falling):
    values = sorted(values, reverse=falling)
    found, looked = found_in(values, target)
    assert abs(found.reached - target) == min(abs(value - target) for value in values)
    assert values[int(found.setting)] == found.reached
    assert found.held == (abs(found.reached - target) <= 0.01)
    assert len(looked) <= 9  # two ends and a bisection, none looked at twice
    assert len(looked) == len(set(looked))


def test_where_no_setting_reaches_the_target_the_nearest_end_is_given_and_not_held():
    found, looked = found_in([0.9, 0.8, 0.7, 0.6], 0.95)
    assert (found.setting, found.reached, found.held) == (0, 0.9, False)
    assert set(looked) == {0, 3}


def test_the_second_measure_is_tried_where_the_first_cannot_be_reached():
    values = {"precision": [0.5, 0.4, 0.3], "auroc": [0.9, 0.8, 0.7]}

    def usefulness(place, measure):
        return values[measure][int(place)]

    found = match(knob([0, 1, 2]), usefulness, {"precision": 0.6, "auroc": 0.8}, 0.01)
    assert (found.measure, found.setting, found.held) == ("auroc", 1, True)
    found = match(knob([0, 1, 2]), usefulness, {"precision": 0.6, "auroc": 0.99}, 0.01)
    assert (found.measure, found.setting, found.held) == ("precision", 0, False)


def test_of_settings_that_are_as_near_the_strongest_is_taken():
    found, _ = found_in([0.8, 0.8, 0.8], 0.8)
    assert found.setting == 2
