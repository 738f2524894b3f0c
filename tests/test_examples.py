"""Every example runs: the scripts in examples/, and those in docstrings of what programs take."""

import doctest
import importlib
import runpy
from pathlib import Path

import pytest

import relinkage

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
PRINTED = {
    "audit_in_ten_lines": "Recall@1 among 100 reports",
    "compare_two_models": "difference",
    "from_a_folder_of_images": "These patients are synthetic",
    "metrics_of_a_training_loop": "report-to-image recall@10",
    "own_attacker": "rescaled on images",
}


def test_every_example_is_looked_at():
    assert {path.stem for path in EXAMPLES} == set(PRINTED)


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path, capsys):
    runpy.run_path(str(path), run_name="__main__")
    assert PRINTED[path.stem] in capsys.readouterr().out


CALLABLE = [
    name
    for name in relinkage.__all__
    if name not in ("InputError", "Estimate", "Attack", "Comparison", "Audit")
]


@pytest.mark.parametrize("name", CALLABLE)
def test_a_name_of_the_front_door_has_an_example_that_runs(name):
    thing = getattr(relinkage, name)
    module = importlib.import_module(thing.__module__)
    parts = doctest.DocTestFinder(recurse=False).find(thing, name, module=module, globs={})
    (example,) = [part for part in parts if part.examples]
    outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example)
    assert outcome.attempted
    assert not outcome.failed
