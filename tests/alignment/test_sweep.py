"""A sweep is every choice of what is swept, once, and seeds beside it."""

import pytest

from relinkage.alignment import AlignSettings, Sweep, Weights
from relinkage.errors import InputError

BASE = AlignSettings(objective="multi-task", weights=Weights(bce=0.5, supcon=1, clip=2), dimension=4)


def test_an_ablation_leaves_out_every_set_of_parts_but_all():
    made = Sweep.parse("ablation", BASE, 3)
    expected = {(a, b, c) for a in (0, 0.5) for b in (0, 1) for c in (0, 2) if a or b or c}
    assert {(s.weights.bce, s.weights.supcon, s.weights.clip) for s in made.settings} == expected
    assert len(made.settings) == 7
    assert {s.temperature for s in made.settings} == {0.07}


def test_axes_are_crossed_and_what_is_not_swept_stays():
    made = Sweep.parse("clip=0,1; temperature=0.05,0.1", BASE, 1)
    assert [(s.weights, s.temperature) for s in made.settings] == [
        (Weights(bce=0.5, supcon=1, clip=clip), temperature) for clip in (0, 1) for temperature in (0.05, 0.1)
    ]


def test_seeds_follow_the_first():
    made = Sweep.parse("clip=1", AlignSettings(seed=7), 3)
    assert [run.seed for run in made.runs(made.settings[0])] == [7, 8, 9]


@pytest.mark.parametrize(
    ("wanted", "seeds", "said"),
    [
        ("lr=1", 1, "cannot be swept"),
        ("clip", 1, "give numbers"),
        ("clip=a", 1, "give numbers"),
        ("clip=-1,1", 1, "clip -1 is not"),
        ("temperature=0", 1, "temperature 0 is not"),
        ("clip=1", 0, "asks for 0 trainings"),
        ("clip=1,2,3", 100, "asks for 300 trainings"),
        ("bce=0;supcon=0;clip=0", 1, "asks for 0 trainings"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused(wanted, seeds, said):
    with pytest.raises(InputError, match=said):
        Sweep.parse(wanted, BASE, seeds)
