"""The one exception that a user is meant to read."""

import re
from collections.abc import Sequence

_OPTION = re.compile(r"`[^`]*`|(?<![^\s(])--([a-z][a-z0-9-]*)(?: ([A-Z][A-Z_]*)\b)?")
"""A command line in quotes, which stays as it is, or an option with the word for its value."""


class InputError(ValueError):
    """The input or the request is wrong.

    The message is one sentence that names the file, row or option and says what to do. The command line
    prints it and exits with status 2; nothing half-written is left behind. It never holds report text or
    a patient's id.

    A message is written once, with options as the command line has them. Python says them by their own names.

    Examples:
        >>> error = InputError("--risk-pool 500 is too large; give a smaller one, or put on --heads HEADS.")
        >>> str(error)
        'risk_pool 500 is too large; give a smaller one, or put on heads=HEADS.'
        >>> error.on_command_line
        '--risk-pool 500 is too large; give a smaller one, or put on --heads HEADS.'
    """

    @property
    def on_command_line(self) -> str:
        """The message as the command line prints it."""
        return str(self.args[0]) if self.args else ""

    def __str__(self) -> str:
        return _OPTION.sub(_in_python, self.on_command_line)


class SeveralFaultsError(InputError):
    """Several things are wrong at once, a sentence each.

    Attributes:
        faults: the sentences.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


def _in_python(option: re.Match[str]) -> str:
    name, value = option.groups()
    if name is None:
        return option[0]
    argument = name.replace("-", "_")
    return argument if value is None else f"{argument}={value}"
