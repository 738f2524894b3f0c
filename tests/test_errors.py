"""Messages are written once, and speak of options on the command line and of arguments in Python."""

import doctest
import pickle

import pytest

from relinkage import errors
from relinkage.errors import InputError


def test_the_example_runs():
    assert doctest.testmod(errors).failed == 0


@pytest.mark.parametrize(
    ("written", "python"),
    [
        ("--pool 3 is not a valid pool size.", "pool 3 is not a valid pool size."),
        ("name trained heads with --heads HEADS.", "name trained heads with heads=HEADS."),
        ("run `relinkage align EMB --out HEADS` first.", "run `relinkage align EMB --out HEADS` first."),
        ("a--b.npy holds no array (--images).", "a--b.npy holds no array (images)."),
        ("--weights bce=1,clip=0 needs labels.", "weights bce=1,clip=0 needs labels."),
        ("no option at all.", "no option at all."),
    ],
)
def test_a_message_names_arguments_in_python_and_options_on_the_command_line(written, python):
    error = InputError(written)
    assert (str(error), error.on_command_line) == (python, written)
    assert str(pickle.loads(pickle.dumps(error))) == python
    assert isinstance(error, ValueError)
