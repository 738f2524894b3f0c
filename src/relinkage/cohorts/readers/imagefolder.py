"""Hugging Face's `imagefolder`: images beside a `metadata.csv` or `metadata.jsonl` that names them."""

import json
import re
from pathlib import Path

import polars as pl

from relinkage.cohorts.csv_files import CsvFile
from relinkage.cohorts.readers.free_columns import RESERVED, found_in, texts_of
from relinkage.cohorts.readers.on_disk import Survey, folder_of
from relinkage.cohorts.readers.protocol import Format, Found
from relinkage.cohorts.readers.settings import ReadOptions
from relinkage.errors import InputError

_NAME = r"metadata\.(csv|jsonl)"
_SPLIT = re.compile(r"(?:^|[-_./])(train|validation|validate|valid|val|dev|test)(?:[-_./]|$)", re.IGNORECASE)
_ONE, _SEVERAL = "file_name", "file_names"


def fits(tree: Survey) -> bool:
    """Whether a metadata file names images by `file_name` or `file_names`."""
    return any(_names_images(path) for path in tree.named(_NAME)[:1])


def read(tree: Survey, options: ReadOptions) -> Found:
    """Read the metadata files of all splits; a split is named by the folder of its file.

    An image is named by `file_name`, several of one row by `file_names`, relative to the metadata file.

    Args:
        tree: the survey of the folder, or one metadata file.
        options: how it is read.

    Raises:
        InputError: a metadata file cannot be read or names no images, or there is no column of texts.
    """
    options.refuse("imagefolder", "image_column", "patients", "reports", "labels")
    files = sorted(tree.named(_NAME))
    if not files:
        raise InputError(f"{tree.asked} holds no metadata.csv or metadata.jsonl; name the folder that does.")
    root = options.root or tree.base
    rows: list[dict[str, str | None]] = []
    count = 0
    for file in files:
        place = folder_of(root, file.parent)
        match = _SPLIT.search(file.relative_to(tree.base).as_posix())
        for number, (images, told) in enumerate(_rows(file)):
            count += 1
            row = f"{place.replace('/', '-')}{number}"
            for at, image in enumerate(images):
                key = row if len(images) == 1 else f"{row}.{at}"
                own = {"image": place + image, "key": key, "row_of": row}
                rows.append(told | own | {"split_of": match[1].lower() if match else None})
    if not rows:
        raise InputError(f"{tree.asked} names no image in its metadata; check the column file_name.")
    found = Found(pl.DataFrame(), root, read={"metadata files": len(files), "rows": count})
    columns = dict.fromkeys(key for row in rows for key in row)
    return found_in(pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String)), found, options)


def _names_images(path: Path) -> bool:
    try:
        if path.suffix.lower() == ".csv":
            return _ONE in CsvFile(path).column_names()
        with path.open(encoding="utf-8-sig") as lines:
            told = json.loads(next(lines, "{}"))
        return isinstance(told, dict) and not {_ONE, _SEVERAL}.isdisjoint(told)
    except (InputError, OSError, ValueError, RecursionError):
        return False


def _rows(path: Path) -> list[tuple[list[str], dict[str, str | None]]]:
    """Read the rows of a metadata file: the images of each, and what it says beside them."""
    rows = []
    for row in CsvFile(path).rows().to_dicts() if path.suffix.lower() == ".csv" else _json_lines(path):
        names = row.get(_SEVERAL, row.get(_ONE))
        names = names if isinstance(names, list) else [names]
        images = [name for name in names if isinstance(name, str) and name and name.isprintable()]
        rows.append((images, {key: text for key, text in texts_of(row).items() if key not in RESERVED}))
    return rows


def _json_lines(path: Path) -> list[dict[str, object]]:
    rows = []
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for line in lines:
                if line.strip():
                    row = json.loads(line)
                    rows.append(row if isinstance(row, dict) else {})
    except (OSError, ValueError, RecursionError):
        raise InputError(f"{path} cannot be read as JSON Lines; check the file.") from None
    return rows


IMAGEFOLDER = Format(
    "imagefolder", "Hugging Face imagefolder", "metadata.csv or .jsonl with file_name", fits, read
)
