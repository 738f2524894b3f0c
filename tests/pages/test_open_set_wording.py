"""The open set in words: rates in whole numbers, the finding in a sentence, and what a claim is worth."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from relinkage.linkage.open_set_rows import OpenSetRow, Worth, share_right
from relinkage.pages.open_set import finding, knowing_nothing, rate_words, worth_sentence

FORTH, BACK = "image-to-report", "report-to-image"


def a_row(**changes):
    row = OpenSetRow(
        direction=FORTH, negatives="all", score="cosine", pool=100, full=False, fpir=0.01,
        thresholds=(0.5, 0.6),
        tpir=0.5, low=0.4, high=0.6, fpir_measured=0.01, fpir_low=0.005, fpir_high=0.02, misidentified=0.1,
        ppv=(), queries=100, patients=50,
    )  # fmt: skip
    return replace(row, **changes)


def words(text):
    return " ".join(text.split())


@given(*[st.floats(0, 1)] * 3, st.floats(0, 1), st.floats(0, 1))
def test_a_claim_is_worth_more_the_likelier_the_mate_is_there(tpir, wrong, fpir, prior, other):
    low, high = sorted((prior, other))
    less, more = share_right(low, tpir, wrong, fpir), share_right(high, tpir, wrong, fpir)
    if less is not None and more is not None:
        assert 0 <= less <= more + 1e-12
        assert more <= 1
    certain = share_right(1.0, tpir, wrong, fpir)
    assert certain is None if tpir + wrong == 0 else certain == pytest.approx(min(tpir / (tpir + wrong), 1))


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (0.01, "one false claim in 100 searches"),
        (0.003, "3 false claims in 1,000 searches"),
        (0.1, "one false claim in 10 searches"),
        (0.05, "one false claim in 20 searches"),
        (0.25, "one false claim in 4 searches"),
        (0.15, "15 false claims in 100 searches"),
        (1 / 3, "one false claim in 3 searches"),
        (1.0, "a false claim in every search"),
    ],
)
def test_rates_are_said_in_whole_numbers(rate, said):
    assert rate_words(rate) == said


@given(st.integers(1, 9_999))
def test_what_is_said_of_a_rate_is_the_rate(ten_thousandths):
    rate = ten_thousandths / 10_000
    said = rate_words(rate).replace("one", "1").replace(",", "")
    hits, out_of = re.match(r"(\d+) false claims? in (\d+) searches", said).groups()
    assert int(hits) / int(out_of) == pytest.approx(rate)


def test_the_finding_is_a_plain_sentence():
    row = a_row(pool=1000, tpir=0.031, low=0.027, high=0.036)
    assert words(finding(row)) == (
        "At one false claim in 100 searches of 1,000 reports, cosine finds 3.10 % of the mates "
        "(interval 2.70 to 3.60 %; 50 patients)."
    )
    none = replace(row, tpir=0.0, low=0.0, full=True, direction=BACK, score="margin")
    assert words(finding(none)) == (
        "At one false claim in 100 searches of all 1,000 images, the margin finds none of the mates "
        "(interval 0 to 3.60 %; 50 patients)."
    )
    assert (
        words(knowing_nothing(row)) == "An attacker who knows nothing finds at most 0.001 % at the same rate."
    )


def test_worth_is_said_for_each_prior():
    row = a_row(
        ppv=(Worth(prior=0.5, ppv=0.62, low=0.5, high=0.7), Worth(prior=0.01, ppv=None, low=None, high=None))
    )
    assert words(worth_sentence(row)) == (
        "Of claims among 100, 62.0 % are right (interval 50.0 to 70.0 %) where 1 pool in 2 holds the mate; "
        "none is made where 1 pool in 100 holds the mate."
    )
