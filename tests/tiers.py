"""What a test says about its tier: `make test` runs what is quick, `make test-all` what is marked `slow`."""

import pytest


def quick(count, values):
    """Give parameters for `parametrize` of which all but the first few are slow."""
    rows = list(values)
    slow = [
        pytest.param(*(row if isinstance(row, tuple) else (row,)), marks=pytest.mark.slow)
        for row in rows[count:]
    ]
    return [*rows[:count], *slow]


def mark_what_needs_slow_fixtures(items):
    """Mark every test of a module that asks for a fixture which the module lists in SLOW_FIXTURES."""
    for item in items:
        if set(getattr(item.module, "SLOW_FIXTURES", ())) & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)
