"""The page of figures, docs/benchmarks.md: one heading a section, each with the run that it comes from."""

from collections.abc import Mapping
from pathlib import Path

from bench.sections import SECTIONS
from relinkage.files import whole_file

_HEADING = "\n## "
_INTRODUCTION = """# Benchmarks

Written by `make bench`, not by hand. Times are ratios: each to a reference that ran beside it, in turns, on
the same machine and data. `python -m bench --only peers` measures one section again and leaves the others.
"""


def section_text(title: str, explanation: str, table: str, run: str) -> str:
    """Give a section: what is measured, where and when, and the table as it was printed."""
    return f"{title}\n\n{explanation.strip()}\n\n{run}\n\n```text\n{table.strip()}\n```\n"


def write_page(path: Path, measured: Mapping[str, str]) -> None:
    """Write the page with the sections just measured; those on it already stay where they were not.

    Args:
        path: the page.
        measured: by title, the section's text.
    """
    kept = (
        {text.splitlines()[0]: text for text in path.read_text().split(_HEADING)[1:]} if path.exists() else {}
    )
    sections = kept | dict(measured)
    ordered = [sections[section.title] for section in SECTIONS if section.title in sections]
    text = _HEADING.join([_INTRODUCTION, *(f"{part.strip()}\n" for part in ordered)])
    with whole_file(path) as temporary:
        temporary.write_text(text)
