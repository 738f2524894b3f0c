"""Numbers in words keep to the numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.pages.wording import (
    about,
    bare_percent,
    count,
    counted,
    exact_odds,
    interval,
    listed,
    odds,
    one_line,
    percent,
    times,
)

SHARES = st.floats(1e-9, 1.0)


@given(SHARES)
def test_odds_are_within_a_tenth_of_the_share(share):
    hits, out_of = odds(share)
    assert 1 <= hits <= out_of
    assert hits / out_of == pytest.approx(share, rel=0.1)


@given(st.floats(0.5, 1.0 - 1e-9))
def test_odds_of_a_large_share_are_within_a_tenth_of_the_misses_too(share):
    hits, out_of = odds(share)
    assert 1 - hits / out_of == pytest.approx(1 - share, rel=0.1)


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.005, (1, 200)), (0.0151, (1, 66)), (0.4, (2, 5)), (0.95, (19, 20)), (0.9, (9, 10)), (1.0, (1, 1))],
)
def test_odds_read_as_a_person_would_say_them(share, words):
    assert odds(share) == words


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01])
def test_there_are_no_odds_outside_the_unit_interval(share):
    with pytest.raises(ValueError, match="no odds"):
        odds(share)


@given(st.integers(2, 10**7))
def test_chance_is_said_exactly(pool):
    assert exact_odds(1 / pool) == (1, pool)


@given(SHARES)
def test_percentages_keep_two_digits_and_never_round_to_nothing_or_to_all(share):
    text = percent(share)
    if text.startswith(("over", "under")):
        assert share > 0.9999 or share < 1.01e-8
        return
    value = float(text.removesuffix("\N{NO-BREAK SPACE}%"))
    assert value == pytest.approx(100 * share, rel=0.051)
    assert (value == 100) == (share == 1)
    assert value > 0


@pytest.mark.parametrize(
    ("share", "text", "bare"),
    [
        (0.0, "0 %", "0 %"),
        (0.1512, "15.1 %", "15.1 %"),
        (0.005, "0.50 %", "0.5 %"),
        (0.0001, "0.010 %", "0.01 %"),
        (0.95, "95.0 %", "95 %"),
        (0.99995, "over 99.99 %", "over 99.99 %"),
        (1.0, "100 %", "100 %"),
    ],
)
def test_percentages(share, text, bare):
    assert percent(share).replace("\N{NO-BREAK SPACE}", " ") == text
    assert bare_percent(share).replace("\N{NO-BREAK SPACE}", " ") == bare


def test_multiples_counts_and_lists():
    assert [times(x) for x in (0, 0.93, 1.5, 15.12, 1234)] == ["0", "0.93", "1.50", "15.1", "1,234"]
    assert [about(x) for x in (1.04, 1.5, 15.12, 1234)] == ["1", "1.5", "15", "1,200"]
    assert count(43793) == "43,793"
    assert counted(1, "query").split() == ["1", "query"]
    assert counted(2, "study").split() == ["2", "studies"]
    assert interval(0.148, 0.154).replace("\N{NO-BREAK SPACE}", " ") == "14.8 to 15.4 %"
    assert interval(1e-34, 1.0).replace("\N{NO-BREAK SPACE}", " ") == "0 to 100 %"
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"


@given(st.text(), st.integers(1, 40))
def test_one_line_is_one_printable_line_within_its_limit(text, limit):
    line = one_line(text, limit)
    assert line.isprintable()
    assert len(line) <= limit
