"""The card: the context of a release, and what lies between linkage and identification."""

import datetime

import pytest
from synthetic_audit import synthetic_audit

from calling import done, refused, relinkage
from relinkage.pages import render_card
from relinkage.pages.identification import NOT_MEASURED, between, harms
from relinkage.policies import Context


def rows(card, heading):
    """The cells of the table under a heading."""
    section = card.split(f"## {heading}\n")[1].split("\n## ")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line[:1] == "|"
    ]


def test_without_a_context_every_line_reads_not_provided():
    table = rows(render_card([synthetic_audit()]), "Context of the release")[2:]
    assert len(table) == len(Context.__struct_fields__)
    assert {said for _, said in table} == {"not provided"}


def test_what_is_stated_stands_on_the_card_and_cannot_break_its_table():
    context = Context(recipient="A | B\n# Heading <b>", expires=datetime.date(2031, 5, 1))
    card = render_card([synthetic_audit()], context)
    assert "A \\| B \\# Heading &lt;b\\>" in card
    assert "| 2031-05-01 |" in card


def test_linkage_is_measured_and_nothing_else_is_said_to_be():
    table = rows(render_card([synthetic_audit()]), "From linkage to identification")[2:]
    measured = {name: here for name, here, _ in table}
    assert measured == {
        "Singling out": NOT_MEASURED,
        "Linkage": "measured",
        "Inference": NOT_MEASURED,
        "Membership": NOT_MEASURED,
        "Inversion": NOT_MEASURED,
    }
    assert [name for name, *_ in harms(synthetic_audit())] == list(measured)


@pytest.mark.parametrize("heading", ["From linkage to identification", "Context of the release"])
def test_a_card_of_several_runs_states_the_context_once_and_the_rest_of_each(heading):
    card = render_card([synthetic_audit("one"), synthetic_audit("two")])
    assert card.count(f"## {heading}\n") == (1 if heading.startswith("Context") else 2)


def test_the_worth_of_a_claim_stands_between_where_it_was_measured():
    audit = synthetic_audit()
    assert any("Open set: " in sentence for sentence in between(audit)) == bool(audit.open_set)
    assert any("to try" in sentence for sentence in between(audit))


def test_the_command_writes_what_the_function_gives(room, tmp_path):
    (tmp_path / "context.toml").write_text('owner = "the board"\n')
    done("card", room / "one", "--context", tmp_path / "context.toml", "--out", tmp_path / "card.md")
    assert "| Who answers for the release | the board |" in (tmp_path / "card.md").read_text()
    done("card", room / "one", "--out", tmp_path / "plain.md")
    assert (tmp_path / "plain.md").read_text() == (room / "one/card.md").read_text()


def test_a_context_with_mistakes_writes_nothing(room, tmp_path):
    (tmp_path / "context.toml").write_text('ownr = "x"\n')
    outcome = relinkage("card", room / "one", "--context", tmp_path / "context.toml")
    assert outcome.status == 2
    assert "line 1: ownr is not a valid key; did you mean owner?" in outcome.err
    assert "not a Markdown file" in refused(tmp_path, "card", room / "one", "--out", tmp_path / "card.html")
