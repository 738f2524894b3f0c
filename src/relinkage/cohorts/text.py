"""Report text as a key: the same report written twice must compare equal, and never be readable."""

import hashlib
import re
import unicodedata

_SPACE = re.compile(r"\s+")


def normalise(text: str) -> str:
    """Fold case, Unicode compatibility forms and runs of white space, so that trivial edits compare equal."""
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text)).strip().casefold()


def report_hash(text: str, salt: str) -> str:
    """Give a salted hash of the normalised text: 16 hexadecimal digits (64 bits).

    The salt follows from the cohort (`Cohort.salt`) and is not published, so hashes tell equal texts within
    a cohort, and nobody without the cohort can test a guessed text.
    """
    key = hashlib.blake2b(salt.encode(), digest_size=32).digest()
    return hashlib.blake2b(normalise(text).encode(), key=key, digest_size=8).hexdigest()
