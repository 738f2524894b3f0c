"""Report text as a key, and its tokens: what the same report written twice has in common."""

import hashlib
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache
from itertools import islice

_SPACE = re.compile(r"\s+")


def normalise(text: str) -> str:
    """Fold case, Unicode compatibility forms and runs of white space, so that trivial edits compare equal."""
    return _even(text).casefold()


def within_budget(text: str, budget: int | None) -> tuple[str, bool]:
    """Keep the first tokens of a text.

    A token is a word (a run of letters, digits, underscores and the marks upon them) or any other character
    that is not white space. Case and Unicode form do not change where a token ends, so texts that are equal
    when normalised are so when cut.

    Args:
        text: any text.
        budget: tokens to keep, at least 1; None keeps all.

    Returns:
        The text as it is where the budget holds it, else its first tokens with Unicode compatibility forms
        and runs of white space folded, in their own case; and whether it was cut.
    """
    if budget is None:
        return text, False
    even = _even(text)
    ends = [token.end() for token in islice(_tokens().finditer(even), budget + 1)]
    return (even[: ends[budget - 1]], True) if len(ends) > budget else (text, False)


def common_spellings(texts: Iterable[str]) -> dict[str, str]:
    """Choose one spelling for all texts that are equal when normalised: the one that occurs most.

    Of spellings that occur equally often, the last in the order of code points is chosen, which has small
    letters before capitals and one space before several or a line break. The order of the texts is of no
    consequence.

    Args:
        texts: any texts, each as often as it is to count.

    Returns:
        The chosen spelling by the normalised text.

    >>> common_spellings(["No effusion.", "NO EFFUSION.", "No effusion."])
    {'no effusion.': 'No effusion.'}
    """
    chosen: dict[str, tuple[int, str]] = {}
    for text, times in Counter(texts).items():
        key = normalise(text)
        chosen[key] = max(chosen.get(key, (0, "")), (times, text))
    return {key: text for key, (_, text) in chosen.items()}


def report_hash(text: str, salt: str) -> str:
    """Give a salted hash of the normalised text: 16 hexadecimal digits (64 bits).

    The salt follows from the cohort (`Cohort.salt`) and is not published, so hashes tell equal texts within
    a cohort, and nobody without the cohort can test a guessed text.
    """
    key = hashlib.blake2b(salt.encode(), digest_size=32).digest()
    return hashlib.blake2b(normalise(text).encode(), key=key, digest_size=8).hexdigest()


def _even(text: str) -> str:
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text)).strip()


@cache
def _tokens() -> re.Pattern[str]:
    # Marks, such as vowel signs, are not word characters to `re`, which would end a word at each of them.
    marks = "".join(c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c)[0] == "M")
    return re.compile(rf"[\w{marks}]+|[^\w\s{marks}]")
