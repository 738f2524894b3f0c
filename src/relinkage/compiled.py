"""Compiled loops: kept for the next run where a folder can hold them, compiled again where none can.

numba refuses a function for which it finds no folder to write to (a read-only installation without a home),
and breaks off where a disk is full. Neither keeps a loop from running.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, overload

from numba import njit
from numba.core.caching import FunctionCache

Function = Callable[..., Any]


@overload
def compiled(function: Function) -> Function: ...
@overload
def compiled(**choices: Any) -> Callable[[Function], Function]: ...
def compiled(function: Any = None, **choices: Any) -> Any:
    """Compile a function with numba when it is first called; it runs without Python's lock.

    Args:
        function: the function; left out where choices are given, as in `@compiled(inline="always")`.
        **choices: further arguments of `numba.njit`.
    """
    if function is None:
        return lambda given: compiled(given, **choices)
    made = njit(nogil=True, **choices)(function)
    with suppress(RuntimeError):  # no folder can be written to
        made._cache = _Kept(function)
    return made


class _Kept(FunctionCache):
    """numba's folder of compiled functions; what it cannot read or write is as good as not there."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # a damaged file raises what unpickling raises, and that is anything
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        with suppress(Exception):
            super().save_overload(sig, data)
