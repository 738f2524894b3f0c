"""One definition of an option: the help, the check, the JSON and the schema follow from a field."""

import json
import re
from typing import Annotated

import pytest
from click.testing import CliRunner
from msgspec import Meta

from relinkage.cli.audit import audit
from relinkage.cli.inputs import Audited
from relinkage.cli.options import command
from relinkage.cli.outputs import RunOutput
from relinkage.errors import InputError
from relinkage.linkage.settings import AuditSettings
from relinkage.options import fields_of
from relinkage.records import json_schema, json_text


class Stricter(AuditSettings, frozen=True):
    """The choices of an audit, and one more.

    Attributes:
        patience: Hours that the attacker spends.
    """

    patience: Annotated[float, Meta(ge=0, le=24)] = 1.5


@command("stricter", settings=Stricter)
def stricter(settings):
    """Show the settings."""
    print(json_text(settings))


def shown(*arguments):
    outcome = CliRunner().invoke(stricter, arguments, catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return outcome.output


def words(text):
    return " ".join(text.split())


def test_one_field_more_is_an_option_with_its_help_and_default():
    assert "--patience NUMBER Hours that the attacker spends. [default: 1.5]" in words(shown("--help"))


def test_it_is_checked_on_the_command_line_and_in_python():
    message = "--patience 25 is not a valid patience; give a number from 0 to 24."
    with pytest.raises(InputError) as error:
        shown("--patience", "25")
    assert error.value.on_command_line == message
    with pytest.raises(InputError) as error:
        Stricter(patience=25)
    assert error.value.on_command_line == message


def test_it_stands_in_the_json_and_in_the_schema():
    assert json.loads(shown("--patience", "2"))["patience"] == 2
    field = json_schema(Stricter)["$defs"]["Stricter"]["properties"]["patience"]
    assert field == {
        "type": "number", "minimum": 0, "maximum": 24, "default": 1.5,
        "description": "Hours that the attacker spends.",
    }  # fmt: skip


def test_the_help_shows_every_field_with_its_default():
    text = words(CliRunner().invoke(audit, ["--help"]).output)
    for kind in (Audited, AuditSettings, RunOutput):
        for field in fields_of(kind):
            assert field.flag in text
            if field.option.argument:
                continue
            assert field.help in text
            default = field.option.default
            if not default and field.default not in (None, (), False):
                default = field.text(field.default)
            if default:
                assert f"{field.help} [default: {default}]" in text
    options = re.findall(r"--[a-z-]+", text)
    assert {field.flag for field in fields_of(AuditSettings)} <= set(options)


def test_what_is_not_given_is_the_default():
    assert json.loads(shown()) == json.loads(json_text(Stricter()))


def test_every_choice_reaches_the_record():
    given = (
        "--pool 5,full --k 1,2 --direction both --distractors other-patients --ladder --uncertain absent "
        "--open-set 0.1,0.2 --temperature 0.5 --patient-level --risk-pool full --engine cpu --interval 0.9 "
        "--replicates 100 --seed 3 --patience 4 --varies patients-and-gallery --missing exclude "
        "--negligible-lift 3 --several-reports first"
    )
    made = Stricter(
        pool=(5, "full"), k=(1, 2), direction="both", distractors="other-patients", ladder=True,
        uncertain="absent", open_set=(0.1, 0.2), temperature=0.5, patient_level=True, risk_pool="full",
        engine="cpu", interval=0.9, replicates=100, seed=3, patience=4.0,
        varies="patients-and-gallery", missing="exclude", negligible_lift=3.0, several_reports="first",
    )  # fmt: skip
    assert json.loads(shown(*given.split())) == json.loads(json_text(made))
    usual = Stricter()
    unchanged = {
        field.name for field in fields_of(Stricter) if getattr(made, field.name) == getattr(usual, field.name)
    }
    # --ladder excludes the first, --distractors other-patients the second.
    assert unchanged == {"hard_negatives", "hard_negatives_of"}
    assert json.loads(shown("--hard-negatives", "view, sex"))["hard_negatives"] == ["view", "sex"]
