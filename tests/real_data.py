"""Where the real cases lie that come along with some checkouts, and not with the package."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def real(*parts):
    """Return a file or folder of the real cases; the test is skipped where they are not on this machine."""
    place = SHARED.joinpath("data", *parts)
    if not place.exists():
        pytest.skip(f"{place} does not exist: the real cases are not on this machine")
    return place
