"""Plans from TOML: what a stage is, what it reads, and all mistakes at once."""

from pathlib import Path

import pytest

from plans.toy_verbs import PLAN, Number, plan
from relinkage.errors import SeveralFaultsError


@pytest.fixture
def desk(tmp_path):
    (tmp_path / "source.txt").write_text("a")
    return tmp_path


def faults(folder, text):
    with pytest.raises(SeveralFaultsError) as told:
        plan(folder, text)
    return told.value.faults


def test_stages_have_their_settings_what_they_read_and_where_they_go(desk):
    one, two, total = plan(desk).stages
    assert one.settings["settings"] == Number(value=1, out=desk / "run/stages/one")
    assert (two.inputs, two.uses) == ((desk / "source.txt",), ())
    assert (total.uses, total.out) == (("one", "two"), desk / "run/stages/sum.json")
    assert total.settings["settings"].parts == (one.out, two.out)
    assert total.told == {"parts": ["stage:one", "stage:two"]}


def test_five_mistakes_are_five_sentences_with_their_lines(desk):
    text = """name = "toy"
stages = 3
[stage.one]
command = "numbr"
[stage.two]
command = "number"
valu = 1
source = "nowhere.txt"
[stage.sum]
command = "sum"
parts = "stage:tow"
"""
    assert faults(desk, text) == (
        "toy.toml, line 2: stages is not a valid key; did you mean stage?",
        "toy.toml, line 4: numbr is not a command of a plan; did you mean number?",
        "toy.toml, line 7: valu is not a valid key; did you mean value?",
        "toy.toml, line 8: source nowhere.txt does not exist; name a file or folder that does.",
        "toy.toml, line 11: parts stage:tow is not a stage that stands above; did you mean two?",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('name = "x"', "the plan has no stages"),
        ('name = "x"\nstage = 3', "the plan has no stages"),
        ('name = "x"\n[stage]\none = 3', "one is not a table"),
        ('name = "x"\n[stage."../up"]\ncommand = "number"', "../up is not a valid name of a stage"),
        ('name = "x"\n[stage.one]\nvalue = 1', "command is missing; give number, sum."),
        (
            'name = "x"\n[stage.one]\ncommand = "number"',
            "line 2: value is missing; give a whole number from 0 to 9",
        ),
        ('name = "x"\n[stage.one]\ncommand = "number"\nvalue = 10', "line 4: value 10 is not a valid value"),
        ('name = "x"\n[stage.one]\ncommand = "number"\nvalue = 1\nout = "x"', "out is not a valid key"),
        ('name = "x"\n[stage.one]\ncommand = "number"\nvalue = 1\ngiven = 1', "given is not a valid choice"),
        (
            PLAN + '[scenario]\nleaves = "x"\nholds = "y"\nunsaid = "z"\nheadline = ["som"]',
            "did you mean sum?",
        ),
    ],
)
def test_what_is_wrong_is_said(desk, text, says):
    assert any(says in fault for fault in faults(desk, text))


def test_a_stage_that_asks_for_it_takes_what_the_command_line_gives(desk):
    text = 'name = "x"\n[stage.one]\ncommand = "number"\ngiven = true\n'
    text += '[stage.two]\ncommand = "number"\nvalue = 2'
    given = {"value": 7, "source": desk / "source.txt", "unknown": 1}
    one, two = plan(desk, text, given=given).stages
    assert (one.option("value"), two.option("value")) == (7, 2)
    assert (one.inputs, two.inputs) == ((desk / "source.txt",), ())
    assert one.told["source"] == "source.txt"  # no folder of this machine
    own = text.replace("given = true", "given = true\nvalue = 3")
    assert plan(desk, own, given=given).stages[0].option("value") == 3


def test_what_is_given_and_taken_by_no_stage_is_told(desk):
    with pytest.raises(SeveralFaultsError, match="value is given and no stage takes it"):
        plan(desk, given={"value": 7, "source": None})


def test_paths_are_relative_to_the_plan(desk, monkeypatch):
    monkeypatch.chdir("/")
    assert plan(desk).stages[1].inputs == (desk / "source.txt",)
    assert plan(Path(desk)).stages[1].option("source") == desk / "source.txt"
