"""The same report written twice compares equal, and its hash tells nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.cohorts.text import normalise, report_hash

REPORT = "No acute cardiopulmonary abnormality."
TEXTS = st.text(max_size=40)


@pytest.mark.parametrize(
    "edited",
    [
        "  No acute\n\tcardiopulmonary   abnormality. ",
        "NO ACUTE CARDIOPULMONARY ABNORMALITY.",
        "No acute\u00a0cardiopulmonary\u2003abnormality.",
        "\uff2eo acute cardiopulmonary abnormality.",
    ],
)
def test_trivial_edits_leave_it_the_same_report(edited):
    assert normalise(edited) == normalise(REPORT)
    assert report_hash(edited, "salt") == report_hash(REPORT, "salt")


def test_composed_and_decomposed_letters_are_the_same():
    assert normalise("Œde\u0301me") == normalise("œdéme")
    assert normalise("STRASSE") == normalise("Straße")


@pytest.mark.parametrize(
    "other", ["No acute cardiopulmonary abnormality", "acute cardiopulmonary abnormality.", ""]
)
def test_a_word_or_a_full_stop_makes_another_report(other):
    assert report_hash(other, "salt") != report_hash(REPORT, "salt")


@given(TEXTS)
def test_normalising_twice_changes_nothing_more(text):
    assert normalise(normalise(text)) == normalise(text)


@given(TEXTS, st.sampled_from([" ", "\n", "\t", "\r\n", "\u00a0"]))
def test_white_space_around_and_its_length_within_do_not_matter(text, space):
    assert normalise(space + text + space) == normalise(text)
    assert normalise(text.replace(" ", space * 3)) == normalise(text)


@given(TEXTS, TEXTS)
def test_hashes_are_equal_where_normalised_texts_are(one, other):
    same = normalise(one) == normalise(other)
    assert (report_hash(one, "salt") == report_hash(other, "salt")) == same


@given(TEXTS)
def test_without_the_salt_a_hash_cannot_be_guessed(text):
    digest = report_hash(text, "one")
    assert digest != report_hash(text, "other")
    assert len(digest) == 16
    assert set(digest) <= set("0123456789abcdef")
