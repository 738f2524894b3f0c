"""The same report written twice compares equal, its hash tells nothing else, and its tokens are the same."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.cohorts.text import common_spellings, normalise, report_hash, within_budget

REPORT = "No acute cardiopulmonary abnormality."
TEXTS = st.text(max_size=40)
# Words, marks, spaces and characters that Unicode forms and case folding turn into several.
AWKWARD = st.text(st.sampled_from("aB1_.,- \n\u00a0ßİŉ…½ﬁ¨\u0301\u0345\u0915\u093f\u200b"), max_size=25)
BUDGETS = st.integers(1, 12)


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


# --- a token budget ---------------------------------------------------------------------------------------


def tokens(text):
    """List the tokens of a normalised text, character by character."""
    found, inside = [], False
    for character in normalise(text):
        word = character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M"
        if word and inside:
            found[-1] += character
        elif not character.isspace():
            found.append(character)
        inside = word
    return found


@pytest.mark.parametrize(
    ("text", "budget", "kept"),
    [
        (REPORT, 3, "No acute cardiopulmonary"),
        ("  No acute\n\tcardiopulmonary   ABNORMALITY. ", 4, "No acute cardiopulmonary ABNORMALITY"),
        ("Nodule of 3.5 cm in the RUL.", 5, "Nodule of 3.5"),
        ("Seen by Dr. ___ on ___ at noon.", 6, "Seen by Dr. ___ on"),
        ("Mild-to-moderate oedema.", 4, "Mild-to-"),
        ("Œde\u0301me pulmonaire aigu.", 1, "Œdéme"),
        (
            "\u0939\u093f\u0928\u094d\u0926\u0940 \u092e\u0947\u0902",
            1,
            "\u0939\u093f\u0928\u094d\u0926\u0940",
        ),
    ],
)
def test_a_token_is_a_word_or_a_punctuation_mark(text, budget, kept):
    assert within_budget(text, budget) == (kept, True)


def test_a_text_that_the_budget_holds_stays_as_it_is():
    text = "  NO acute\n\nabnormality…"
    assert within_budget(text, 6) == within_budget(text, None) == (text, False)
    assert within_budget(text, 5) == ("NO acute abnormality..", True)
    assert within_budget("", 1) == ("", False)


@given(TEXTS | AWKWARD, BUDGETS)
def test_what_is_kept_are_the_first_tokens(text, budget):
    kept, cut = within_budget(text, budget)
    assert tokens(kept) == tokens(text)[:budget]
    assert cut == (len(tokens(text)) > budget)
    assert normalise(text).startswith(normalise(kept))
    assert cut or kept == text


@given(TEXTS | AWKWARD, BUDGETS)
def test_cutting_twice_changes_nothing_more(text, budget):
    kept, _ = within_budget(text, budget)
    assert within_budget(kept, budget) == (kept, False)


@given(TEXTS | AWKWARD, BUDGETS, BUDGETS)
def test_a_larger_budget_keeps_all_that_a_smaller_one_keeps(text, one, other):
    small, large = (within_budget(text, budget)[0] for budget in sorted((one, other)))
    assert normalise(large).startswith(normalise(small))
    assert within_budget(large, min(one, other))[0] == small or small == text


@given(TEXTS | AWKWARD, BUDGETS, st.sampled_from([str.upper, str.casefold, normalise]))
def test_equal_reports_are_cut_to_equal_texts(text, budget, edit):
    edited = edit(text)
    if normalise(edited) == normalise(text):
        kept, other = within_budget(text, budget), within_budget(edited, budget)
        assert (normalise(kept[0]), kept[1]) == (normalise(other[0]), other[1])


SPELLINGS = st.sampled_from(["No edema.", "NO EDEMA.", "no edema.", "No\nedema.", "Other", "OTHER"])


@given(st.lists(SPELLINGS, max_size=12), st.randoms())
def test_common_spellings_are_the_most_frequent_whatever_the_order(texts, random):
    chosen = common_spellings(texts)
    assert chosen.keys() == {normalise(text) for text in texts}
    for key, text in chosen.items():
        rivals = [other for other in texts if normalise(other) == key]
        assert text in rivals
        assert all((rivals.count(text), text) >= (rivals.count(other), other) for other in rivals)
    shuffled = random.sample(texts, len(texts))
    assert common_spellings(shuffled) == chosen


def test_common_spellings_prefer_small_letters_and_closed_up_white_space():
    spelled = ["NO EDEMA.", "No edema.", "no edema.", "no\nedema.", "no  edema."]
    assert common_spellings(spelled) == {"no edema.": "no edema."}
