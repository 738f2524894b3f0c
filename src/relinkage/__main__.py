"""The program: `python -m relinkage`, and the script `relinkage`."""

import gc
import signal
import sys
from types import FrameType

_STOP = (signal.SIGINT, signal.SIGTERM)


def run() -> None:
    """Run the command line in a process of its own; SIGTERM stops it as Ctrl-C does.

    Loading packages makes many objects and no garbage: to look for some less often saves a twentieth of the
    time of a small audit.
    """
    gc.set_threshold(100_000)
    try:
        for number in _STOP:
            signal.signal(number, _stop)
        import logging

        logging.getLogger().addHandler(logging.NullHandler())  # what libraries say of caches is not ours
        from relinkage.cli import main
    except KeyboardInterrupt:
        print("relinkage: Interrupted; nothing was begun.", file=sys.stderr)
        sys.exit(130)
    main()


def _stop(number: int, frame: FrameType | None) -> None:
    """Break off; once, for a second signal would break off the tidying up."""
    for each in _STOP:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    run()
