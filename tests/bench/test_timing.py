"""Works are timed in turn, and ratios are of runs that followed each other."""

from bench.timing import in_turn, ratio


def test_works_take_turns():
    order = []
    seconds = in_turn(2, one=lambda: order.append(1), other=lambda: order.append(2))
    assert order == [1, 2, 1, 2]
    assert {name: len(each) for name, each in seconds.items()} == {"one": 2, "other": 2}


def test_a_slow_spell_of_the_machine_leaves_a_ratio_as_it_is():
    assert ratio([1.0, 10.0, 3.0], [2.0, 20.0, 4.0]) == "0.50 × (0.50 to 0.75)"
