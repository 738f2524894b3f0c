"""What is printed cannot steer a terminal or forge a line; messages count what may be a patient's name."""

import string
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from calling import relinkage
from relinkage.printing import known_of, visible, visible_lines

STEERING = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of Unicode that are not seen: controls, format marks, halves of characters, line breaks."""
HOSTILE = "\x1b[2J\x1b]0;x\x07\r\nrelinkage: forged\u202e\u2066\u200b\u0085\u2028\u2029\x7f\udce9"


@given(st.text(st.characters(exclude_categories=())))
@example(HOSTILE)
def test_visible_leaves_nothing_that_steers_and_loses_nothing(text):
    shown = visible(text)
    assert {unicodedata.category(sign) for sign in shown}.isdisjoint(STEERING)
    assert len(shown.splitlines()) <= 1
    if text.isprintable():
        assert shown == text
    if "\\" not in text:  # as Python writes it, so that the name can be told
        back = shown
        for sign in set(text):
            if unicodedata.category(sign) in (*STEERING, "Cn", "Co"):
                back = back.replace(ascii(sign)[1:-1], sign)
        assert back == text


def test_visible_lines_keeps_the_breaks_that_are_ours():
    assert visible_lines("a\x1b\nb\rc") == "a\\x1b\nb\\rc"


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([], "none"),
        (["test", "train"], "test, train"),
        (["Petra"], "1 other"),
        (["Petra", "test", "Petra", "Paul"], "test and 2 others"),
    ],
)
def test_known_of_counts_what_may_be_somebodys(found, told):
    assert known_of(found, ("train", "test")) == told


@pytest.mark.parametrize("line", [(HOSTILE,), ("audit", f"--{HOSTILE}"), ("audit", HOSTILE),
    ("audit", "--pool", HOSTILE), ("report", HOSTILE), ("embed", HOSTILE, "--model", HOSTILE, "--out", "x"),
    ("retrieve", HOSTILE), ("phantom", "out", "--site", HOSTILE), ("schema", HOSTILE),
    ("models", "--offline-plan", HOSTILE), ("cohort", HOSTILE),
    ("cohort", "x", "--format", HOSTILE)])  # fmt: skip
def test_a_refusal_is_one_line_whatever_was_asked_for(line):
    outcome = relinkage(*line)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.count("\n") == 1
    assert not {unicodedata.category(sign) for sign in outcome.err.rstrip("\n")} & set(STEERING)
    assert set(outcome.err) & set(string.printable)
