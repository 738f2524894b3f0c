"""The files of an export, and whether one may be written."""

from pathlib import Path
from typing import Literal

from relinkage.errors import InputError
from relinkage.files import check_folder

EXPORT_SCHEMA: Literal["relinkage.export/1"] = "relinkage.export/1"
EXPORT_MANIFEST = "relinkage-export.json"


def check_export(out: Path, model: Path) -> None:
    """Check that an export may be written at `out`, before any work is done.

    Raises:
        InputError: `out` lies in the model's folder, is a file, or holds things that relinkage did not write.
    """
    if out.resolve().is_relative_to(model.resolve()):
        raise InputError(f"{out} lies in the model's own folder {model}; name a folder outside of it.")
    check_folder(out, EXPORT_MANIFEST, EXPORT_SCHEMA)
