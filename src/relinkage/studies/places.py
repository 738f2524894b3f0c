"""The files of what studies leave, and whether they may be written; light, for quick refusals."""

from pathlib import Path
from typing import Literal

from relinkage.errors import InputError
from relinkage.files import check_folder
from relinkage.linkage.result import SCHEMA as AUDIT_SCHEMA

AUDIT, TABLES, PAGE, CARD, FIGURES = "audit.json", "linkage.parquet", "page.html", "card.md", "figures"

STAGES = "stages"
"""Where a plan keeps what its stages make."""

MAP, POINTS, MAP_PAGE = "map.json", "maps.parquet", "map.html"
MAP_SCHEMA = "relinkage.map/1"

RETRIEVAL, RETRIEVAL_PAGE = "retrieval.json", "retrieval.html"
RETRIEVAL_SCHEMA = "relinkage.retrieval/1"

EXPORT_MANIFEST = "relinkage-export.json"
EXPORT_SCHEMA: Literal["relinkage.export/1"] = "relinkage.export/1"


def check_run(out: Path) -> None:
    """Check that the folder of an audit may be written, before work that may take long.

    Raises:
        InputError: `out` is a file or holds things that relinkage did not write.
    """
    check_folder(out, AUDIT, AUDIT_SCHEMA)


def check_map(out: Path) -> None:
    """Check that maps may be written at `out`; see `check_run`."""
    check_folder(out, MAP, MAP_SCHEMA)


def check_retrieval(out: Path) -> None:
    """Check that a search may be written at `out`; see `check_run`."""
    check_folder(out, RETRIEVAL, RETRIEVAL_SCHEMA)


def check_export(out: Path, model: Path) -> None:
    """Check that an export may be written at `out`; see `check_run`.

    Raises:
        InputError: `out` lies in the model's folder, is a file, or holds things that relinkage did not write.
    """
    if out.resolve().is_relative_to(model.resolve()):
        raise InputError(f"{out} lies in the model's own folder {model}; name a folder outside of it.")
    check_folder(out, EXPORT_MANIFEST, EXPORT_SCHEMA)
