"""The files of a run folder, and whether one may be written."""

from pathlib import Path

from relinkage.files import check_folder
from relinkage.linkage.result import SCHEMA

AUDIT, TABLES, REPORT, CARD, FIGURES = "audit.json", "linkage.parquet", "report.html", "card.md", "figures"


def check_run(out: Path) -> None:
    """Check that a run may be written at `out`, before an audit that may take long.

    Raises:
        InputError: `out` is a file or holds things that relinkage did not write.
    """
    check_folder(out, AUDIT, SCHEMA)
