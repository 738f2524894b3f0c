"""Numbers and names as a person reads them: the same words in the page, the card and the terminal."""

import math
from collections.abc import Iterable
from typing import NamedTuple

SPACE = "\N{NO-BREAK SPACE}"
"""Between a number and its unit, so that no line breaks there."""

_SIDES = {
    "image-to-report": ("image", "report"),
    "report-to-image": ("report", "image"),
}


def sides(direction: str) -> tuple[str, str]:
    """Give the nouns for one query and one candidate of a direction."""
    return _SIDES.get(direction, ("query", "candidate"))


def count(number: float) -> str:
    """Give a whole number with its thousands set apart: `43,793`."""
    return f"{number:,.0f}"


def counted(number: float, noun: str) -> str:
    """Give a number and its noun: `1 image`, `43,793 images`, `2 queries`."""
    if round(number) == 1:
        return f"1{SPACE}{noun}"
    return f"{count(number)}{SPACE}{plural(noun)}"


def plural(noun: str) -> str:
    """Give the plural of a noun: `images`, `queries`, `studies`."""
    return f"{noun[:-1]}ies" if noun.endswith(("ry", "dy")) else f"{noun}s"


def percent(share: float) -> str:
    """Give a share in [0, 1] as a percentage with about three significant digits.

    A share below 1 never reads 100 %, and one above 0 never reads 0 %.
    """
    value = 100 * share
    if value == 0 or value >= 100:
        return f"{abs(value):.0f}{SPACE}%"
    if value > 99.99:
        return f"over{SPACE}99.99{SPACE}%"
    if value < 1e-6:
        return f"under{SPACE}0.000001{SPACE}%"
    return f"{_percent_digits(value)}{SPACE}%"


def interval(low: float, high: float) -> str:
    """Give an interval of shares: `14.8 to 15.4 %`."""
    first, last = percent(low if low > 1e-8 else 0.0), percent(high)
    unit = f"{SPACE}%"
    return f"{first.removesuffix(unit)} to {last}"


def signed_percent(share: float) -> str:
    """Give a change as a percentage with its sign: `−61.8 %`, `+3.20 %`, `0 %`, `+1,250 %`."""
    size = abs(share)
    if size < 1e-8:
        return f"0{SPACE}%"
    number = count(100 * size) if size >= 1 else _percent_digits(min(100 * size, 99.99))
    return f"{'−' if share < 0 else '+'}{number}{SPACE}%"


def signed_interval(low: float, high: float) -> str:
    """Give an interval of changes: `−68.0 to −55.2 %`."""
    return f"{signed_percent(low).removesuffix(f'{SPACE}%')} to {signed_percent(high)}"


def signed_points(difference: float) -> str:
    """Give a difference of shares in percentage points: `+11.30`, `−0.25`."""
    return f"{100 * difference:+.2f}".replace("-", "−")


def p_value(p: float) -> str:
    """Give a p-value with two digits: `0.41`, `0.032`, `< 0.001`."""
    if p < 0.001:
        return f"<{SPACE}0.001"
    return f"{p:.2f}" if p >= 0.095 else f"{p:.{3 if p >= 0.0095 else 4}f}"


def bare_percent(share: float) -> str:
    """Give an exact share as a percentage without trailing zeros: `10 %`, `0.01 %` (chance, levels, axes)."""
    number = percent(share).removesuffix(f"{SPACE}%")
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number}{SPACE}%"


def times(lift: float) -> str:
    """Give a multiple of chance with about three significant digits: `15.1`, `0.93`, `1,234`."""
    if lift >= 100:
        return count(lift)
    if lift >= 10:
        return f"{lift:.1f}"
    if lift >= 0.1:
        return f"{lift:.2f}"
    return f"{lift:.2g}"


def bare_times(lift: float) -> str:
    """Give the same number as `times`, without trailing zeros, as a sentence has it: `50`, `2.4`, `108`."""
    number = times(lift)
    return number.rstrip("0").rstrip(".") if "." in number else number


def bounded(number: float) -> str:
    """Return a bound with three significant digits, never below it: `1.12`, `9,810`."""
    return rounded_up(number, 3)


def rounded_up(number: float, digits: int = 2) -> str:
    """Give a bound with two significant digits, or more, never below it: `1.9`, `9,800`."""
    step = 10.0 ** (math.floor(math.log10(number)) + 1 - digits)
    up = math.ceil(number / step - 1e-9) * step
    return count(up) if up >= 10 else f"{up:.3g}"


def about(number: float) -> str:
    """Give a number with two significant digits in plain notation: `50`, `1.5`, `1,200`."""
    rounded = two_digits(number)
    return count(rounded) if rounded >= 10 else f"{rounded:g}"


def two_digits(number: float) -> float:
    """Round to two significant digits (at most 5 % off)."""
    if number == 0:
        return 0.0
    return round(number, 1 - math.floor(math.log10(abs(number))))


class Odds(NamedTuple):
    """A share as a person says it: `hits` in `out_of`."""

    hits: int
    out_of: int


def odds(share: float) -> Odds:
    """Turn a share above 0 and at most 1 into `a in m`, within 10 % of the share.

    Above one half the share of misses is within 10 % too: 0.97 is 32 in 33, not "nearly all".

    Raises:
        ValueError: the share is 0 or lies outside (0, 1].
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share of {share} has no odds")
    if share == 1:
        return Odds(1, 1)
    if share <= 0.1:
        return Odds(1, int(two_digits(1 / share)))
    if share >= 0.9:
        out_of = int(two_digits(1 / (1 - share)))
        return Odds(out_of - 1, out_of)
    for out_of in (2, 3, 4, 5, 6, 7, 8, 9, 10, 20):
        hits = round(share * out_of)
        if 0 < hits < out_of and abs(hits / out_of - share) <= 0.04 * min(share, 1 - share):
            return Odds(hits, out_of)
    return Odds(round(share * 100), 100)


def exact_odds(share: float) -> Odds:
    """Turn a share that is one in a whole number into just that (chance, mostly), any other as `odds` does.

    Raises:
        ValueError: as for `odds`.
    """
    found = odds(share)
    whole = round(1 / share)
    return Odds(1, whole) if abs(whole * share - 1) < 1e-9 else found


def one_line(text: object, limit: int | None = None) -> str:
    """Give text on one line without control characters, cut at `limit` characters with an ellipsis."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    if limit is not None and len(plain) > limit:
        return f"{plain[: limit - 1].rstrip()}…"
    return plain


def listed(items: Iterable[str]) -> str:
    """Join items as prose: `a`, `a and b`, `a, b and c`."""
    *head, last = items
    return f"{', '.join(head)} and {last}" if head else last


def _percent_digits(value: float) -> str:
    if value >= 99.5:
        return f"{value:.2f}"
    if value >= 10:
        return f"{value:.1f}"
    if value >= 1:
        return f"{value:.2f}"
    return f"{value:.{1 - math.floor(math.log10(value))}f}"
