"""A search on disk: `retrieval.json` for machines and `retrieval.html` for people."""

from collections.abc import Sequence
from pathlib import Path

from relinkage.files import whole_folder
from relinkage.pages.retrieval import Illustration, render_retrieval
from relinkage.records import write_record
from relinkage.retrieval import RetrievalResult
from relinkage.studies.places import RETRIEVAL, RETRIEVAL_PAGE, RETRIEVAL_SCHEMA


def write_retrieval(result: RetrievalResult, shown: Sequence[Illustration] | None, out: Path) -> Path:
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
    with whole_folder(out, RETRIEVAL, RETRIEVAL_SCHEMA) as folder:
        write_record(folder / RETRIEVAL, result)
        # A report from elsewhere may hold half a character; it must not cost the page.
        (folder / RETRIEVAL_PAGE).write_bytes(render_retrieval(result, shown).encode("utf-8", "replace"))
    return out / RETRIEVAL_PAGE
