"""The context of a release: what is stated, what is missing, what is not valid."""

import datetime

import pytest

from relinkage.errors import InputError
from relinkage.policies import Context, read_context
from relinkage.policies.context import NOT_PROVIDED, ContextField

TODAY = datetime.date(2030, 1, 1)


def test_what_is_not_stated_reads_not_provided():
    said = dict(Context(owner="the board", date=TODAY).said())
    assert said.pop("Who answers for the release") == "the board"
    assert said.pop("When this was stated") == "2030-01-01"
    assert set(said.values()) == {NOT_PROVIDED}


def test_a_policy_may_ask_for_every_field():
    assert set(ContextField.__args__) == set(Context.__struct_fields__)


def test_a_file_is_read(tmp_path):
    (tmp_path / "context.toml").write_text('owner = "the board"\nexpires = 2030-01-01\nlikelihood = "low"\n')
    context = read_context(tmp_path / "context.toml")
    assert context == Context(owner="the board", expires=TODAY, likelihood="low")
    assert [context.expired(TODAY + datetime.timedelta(days=days)) for days in (-1, 0, 1)] == [
        False,
        False,
        True,
    ]


def test_mistakes_are_told_at_once(tmp_path):
    (tmp_path / "context.toml").write_text('ower = "x"\nlikelihood = "perhaps"\nexpires = "soon"\n')
    with pytest.raises(InputError) as told:
        read_context(tmp_path / "context.toml")
    assert len(told.value.faults) == 3
    assert "did you mean owner?" in str(told.value)


def test_it_cannot_expire_before_it_begins():
    with pytest.raises(InputError, match="lies before"):
        Context(date=TODAY, expires=TODAY - datetime.timedelta(days=1))
