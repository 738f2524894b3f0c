"""The key of a run's pseudonyms: the user's own, or a fresh one that is kept nowhere."""

import secrets
from hashlib import blake2b
from pathlib import Path

from relinkage.errors import InputError

KEY_BYTES = 32
"""The fewest bytes of a key file, and what a fresh key has."""


def pseudonym_key(file: Path | None = None) -> bytes:
    """Give the key of a run's pseudonyms.

    Args:
        file: holds a key that the user keeps, at least 32 bytes, so that the same pair has the same pseudonym
            in every run; where not given, the key is drawn from the operating system's randomness and kept
            nowhere.

    Raises:
        InputError: the file cannot be read or is too short for a key.
    """
    if file is None:
        return secrets.token_bytes(KEY_BYTES)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(
            f"--pseudonym-key {file} cannot be read ({error.strerror}); make a key with "
            f"`head -c {KEY_BYTES} /dev/urandom > {file}`."
        ) from None
    if len(content) < KEY_BYTES:
        raise InputError(
            f"--pseudonym-key {file} holds {len(content)} bytes, and a key needs {KEY_BYTES}; make one with "
            f"`head -c {KEY_BYTES} /dev/urandom > {file}`."
        )
    return blake2b(content, digest_size=KEY_BYTES).digest()
