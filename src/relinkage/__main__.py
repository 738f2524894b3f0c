"""The program: `python -m relinkage`, and the script `relinkage`."""

import gc

from relinkage.cli import main


def run() -> None:
    """Run the command line in a process of its own.

    Loading packages makes many objects and no garbage: to look for some less often saves a twentieth of the
    time of a small audit.
    """
    gc.set_threshold(100_000)
    main()


if __name__ == "__main__":
    run()
