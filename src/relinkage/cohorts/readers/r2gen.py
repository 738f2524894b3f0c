"""The layout that R2Gen made common for report generation: `annotation.json` and a folder of images."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from relinkage.cohorts.readers.free_columns import found_in, texts_of
from relinkage.cohorts.readers.on_disk import Survey, places_of, survey
from relinkage.cohorts.readers.protocol import Format, Found
from relinkage.cohorts.readers.settings import ReadOptions
from relinkage.errors import InputError

_NAME = r"annotation\.json"
_KEYS = {"report", "image_path"}


def fits(tree: Survey) -> bool:
    """Whether there is an annotation file; it may be large, so what it holds is looked at when it is read."""
    return bool(tree.named(_NAME))


def read(tree: Survey, options: ReadOptions) -> Found:
    """Read `annotation.json`: for each split a list of studies, each with a report and its images.

    The images of a study are rows of it. Other keys of a study stand beside its report as columns.

    Args:
        tree: the survey of the folder, or the file alone.
        options: how it is read.

    Raises:
        InputError: the file cannot be read, or holds no studies of this form.
    """
    options.refuse("r2gen", "image_column", "patients", "reports", "labels")
    path = tree.asked if tree.asked.is_file() else tree.first(_NAME, "annotation.json")
    tree = survey(path.parent) if tree.asked.is_file() else tree
    studies = _studies(path)
    root = options.root or path.parent
    rows = [
        texts_of(study)
        | {
            "image": image,
            "key": f"{split}-{number}-{place}",
            "row_of": f"{split}-{number}",
            "split_of": split,
        }
        for split, number, study in studies
        for place, image in enumerate(_images(study))
    ]
    places = places_of(survey(root) if options.root else tree, root, [str(row["image"]) for row in rows])
    found = Found(pl.DataFrame(), root, places=places or ("",), pictured=bool(places))
    found.read = {"studies": len(studies), "images of the studies": len(rows)}
    columns = dict.fromkeys(key for row in rows for key in row)
    return found_in(pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String)), found, options)


def _studies(path: Path) -> list[tuple[str, int, Mapping[str, Any]]]:
    """Read the studies: the split of each, its number there, and what the file says of it."""
    try:
        told = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        raise InputError(f"{path} cannot be read as JSON; check the file.") from None
    splits = told.items() if isinstance(told, dict) else ()
    studies: list[tuple[str, int, Mapping[str, Any]]] = [
        (split, number, study)
        for split, listed in splits
        if isinstance(listed, list)
        for number, study in enumerate(listed)
        if isinstance(study, dict) and study.keys() >= _KEYS and split.isprintable()
    ]
    if not any(_images(study) for _, _, study in studies):
        raise InputError(f"{path} lists no studies with a report and an image_path by split; check the file.")
    return studies


def _images(study: Mapping[str, Any]) -> list[str]:
    """Give the paths of a study's images: a list of them, or one."""
    paths = study["image_path"]
    paths = [paths] if isinstance(paths, str) else paths
    paths = paths if isinstance(paths, list) else []
    return [path for path in paths if isinstance(path, str) and path.isprintable() and path]


R2GEN = Format("r2gen", "annotation.json (R2Gen)", "annotation.json", fits, read)
