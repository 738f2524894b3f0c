r"""Text for a terminal: names out of files can neither steer it nor forge a line of their own.

A name may hold anything: escape sequences that move the cursor, marks that turn the direction of writing,
line breaks. They are shown as Python writes them (`\x1b`), so that the name can still be told.
"""

import unicodedata
from collections.abc import Collection, Iterable

_SPACE = "Zs"


def visible(text: str) -> str:
    r"""Return text on one line in which only what can be seen, and spaces, stand for themselves.

    Args:
        text: any text; halves of characters, which no encoding has, become visible too.

    Example:
        >>> print(visible("a\x1b[31m\nb"))
        a\x1b[31m\nb
    """
    if text.isprintable():
        return text
    return "".join(
        sign
        if sign.isprintable() or unicodedata.category(sign) == _SPACE
        else sign.encode("unicode_escape").decode()
        for sign in text
    )


def visible_lines(text: str) -> str:
    """Return text of several lines, each as `visible` gives it."""
    return "\n".join(map(visible, text.split("\n")))


def known_of(found: Iterable[str], known: Collection[str]) -> str:
    """Return names for a message: those that anybody's data have; of others, which may be patients', a count.

    Args:
        found: the names.
        known: names that tell nothing of anybody.

    Example:
        >>> known_of(["test", "Petra", "train"], ("train", "test"))
        'test, train and 1 other'
    """
    names = list(dict.fromkeys(found))
    shown = [name for name in names if name in known]
    others = len(names) - len(shown)
    counted = [f"{others} other{'s' * (others > 1)}"] if others else []
    return " and ".join([*([", ".join(shown)] if shown else []), *counted]) or "none"
