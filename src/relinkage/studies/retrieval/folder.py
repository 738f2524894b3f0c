"""A search on disk: `retrieval.json` for machines and `retrieval.html` for people."""

from collections.abc import Sequence
from pathlib import Path

from relinkage.files import check_folder, whole_folder, write_json
from relinkage.reports.retrieval import Illustration, Retrieval, render_retrieval
from relinkage.studies.retrieval.retrieving import SCHEMA

RETRIEVAL, PAGE = "retrieval.json", "retrieval.html"


def check_retrieval(out: Path) -> None:
    """Check that a search may be written at `out`, before any work.

    Raises:
        InputError: as in `write_retrieval`.
    """
    check_folder(out, RETRIEVAL, SCHEMA)


def write_retrieval(result: Retrieval, shown: Sequence[Illustration] | None, out: Path) -> Path:
    """Write a search into a folder, whole or not at all; only the page holds what `shown` brings.

    Args:
        result: what `retrieve` gives.
        shown: what the cohort knows of the query, where it is a row, and of each result.
        out: the folder to write; an earlier search there is replaced.

    Returns:
        The page.

    Raises:
        InputError: `out` is a file or holds other things.
    """
    with whole_folder(out, RETRIEVAL, SCHEMA) as folder:
        write_json(folder / RETRIEVAL, result)
        # A report from elsewhere may hold half a character; it must not cost the page.
        (folder / PAGE).write_bytes(render_retrieval(result, shown).encode("utf-8", "replace"))
    return out / PAGE
