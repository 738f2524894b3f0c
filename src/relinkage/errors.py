"""The one exception that a user is meant to read."""


class InputError(ValueError):
    """The input or the request is wrong.

    The message is one sentence that names the file, row or option and says what to do. The command line
    prints it and exits with status 2; nothing half-written is left behind. It never holds report text or
    a patient's id.
    """
