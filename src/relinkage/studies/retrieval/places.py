"""The files of a search, and whether one may be written."""

from pathlib import Path

from relinkage.files import check_folder

RETRIEVAL, PAGE = "retrieval.json", "retrieval.html"
SCHEMA = "relinkage.retrieval/1"


def check_retrieval(out: Path) -> None:
    """Check that a search may be written at `out`, before any work.

    Raises:
        InputError: `out` is a file or holds other things.
    """
    check_folder(out, RETRIEVAL, SCHEMA)
