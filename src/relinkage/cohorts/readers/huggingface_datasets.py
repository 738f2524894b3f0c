"""Hugging Face `datasets` on disk: what `save_to_disk` leaves, and folders of Parquet files."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from relinkage.cohorts.image_paths import ABSOLUTE
from relinkage.cohorts.readers.free_columns import RESERVED, as_text, found_in
from relinkage.cohorts.readers.on_disk import Survey, folder_of
from relinkage.cohorts.readers.protocol import Format, Found
from relinkage.cohorts.readers.settings import ReadOptions
from relinkage.cohorts.tabular import TABLE_NAMES
from relinkage.errors import InputError
from relinkage.progress import progress
from relinkage.tables import BROKEN, parquet_metadata, parquet_schema, read_arrow_stream, scan_parquet

_IMAGE_NAMES = ("image", "images", "img", "jpg", "png", "image_path", "path", "file_name", "filename", "file")
_SPLIT = re.compile(r"(?:^|[-_./])(train|validation|validate|valid|val|dev|test)(?:[-_./]|$)", re.IGNORECASE)
_BROKEN = (*BROKEN, ValueError, MemoryError, OverflowError)
NO_IMAGE = "no image"


def fits(tree: Survey) -> bool:
    """Whether there are Arrow files with their `state.json`, or Parquet files with a column of images."""
    if tree.named(r"state\.json") and tree.named(r".*\.arrow"):
        return True
    if tree.asked.is_file() and tree.asked.suffix == ".arrow":
        return True
    files = _parquet(tree)
    if not files:
        return False
    try:
        schema = parquet_schema(files[0])
    except _BROKEN:
        return False
    return "pair_id" not in schema and any(_embeds(kind) for kind in schema.values())


def read(tree: Survey, options: ReadOptions) -> Found:
    """Read a data set file by file, without keeping its images in memory.

    An embedded image is named `FILE::COLUMN/ROW`, the row counted from 0 within the file, and where a cell is
    a list of images `FILE::COLUMN/ROW#ITEM`; a path is kept. The images of a list are of one study.

    Args:
        tree: the survey of the folder.
        options: how it is read; `section` names columns.

    Raises:
        InputError: a file cannot be read, the files differ in their columns, there is no column of images or
            texts, or an option names something that is not there.
    """
    options.refuse("huggingface", "patients", "reports", "labels")
    root = options.root or tree.base
    files = _arrow(tree) or [(file, _split_of(file, tree.base)) for file in _parquet(tree)]
    if not files:
        raise InputError(f"{tree.asked} holds no Arrow or Parquet files of a data set; name its folder.")
    found = Found(pl.DataFrame(), root, listed=True)
    parts = []
    with progress(len(files), "files", "files") as bar:
        for file, split in files:
            parts.append(_rows(file, split, root, options.image_column))
            bar.update(1)
    table = pl.concat(parts, how="diagonal")
    found.read = {"files": len(files), "rows": table["row_of"].n_unique()}
    if len(table) > found.read["rows"]:
        found.read["images in lists"] = len(table)
    return found_in(table, found, options)


def _parquet(tree: Survey) -> list[Path]:
    return sorted(file for file in tree.named(r"[^.].*\.parquet") if file.name not in TABLE_NAMES)


def _arrow(tree: Survey) -> list[tuple[Path, str | None]]:
    """Give the Arrow files that `state.json` names, or a file that was asked for, with their splits."""
    if tree.asked.is_file() and tree.asked.suffix == ".arrow":
        return [(tree.asked, None)]
    files: list[tuple[Path, str | None]] = []
    for state in sorted(tree.named(r"state\.json")):
        told = _json(state)
        if told.get("_indices_files"):
            raise InputError(f"{state.parent} is a selection of rows; save it again after flatten_indices().")
        listed = told.get("_data_files")
        names = [each.get("filename") for each in listed if isinstance(each, dict)] if isinstance(
            listed, list
        ) else []  # fmt: skip
        split = told.get("_split") or _split_of(state, tree.base)
        for name in names:
            if not isinstance(name, str) or Path(name).name != name or not (state.parent / name).is_file():
                raise InputError(f"{state} names an Arrow file that is not beside it; copy the whole folder.")
            files.append((state.parent / name, str(split) if split else None))
    return files


def _split_of(file: Path, base: Path) -> str | None:
    match = _SPLIT.search(file.relative_to(base).as_posix())
    return match[1].lower() if match else None


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise InputError(f"{path} cannot be read as JSON; check the file.") from None
    return value if isinstance(value, dict) else {}


def _classes(file: Path) -> dict[str, list[str]]:
    """Give the names of the classes of each column of classes, from wherever the data set says them."""
    features: Any = {}
    try:
        if file.suffix == ".parquet":
            told = json.loads(parquet_metadata(file).get("huggingface", "{}"))
            features = told.get("info", {}).get("features", {})
        elif (file.parent / "dataset_info.json").is_file():
            features = _json(file.parent / "dataset_info.json").get("features", {})
        names = {
            column: feature["names"]
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (*_BROKEN, InputError, KeyError, AttributeError, TypeError, RecursionError):
        return {}
    return {column: [str(name) for name in each] for column, each in names.items() if isinstance(each, list)}


def _item(kind: pl.DataType) -> pl.DataType:
    """Give the type of an item of a list, or of a cell that is not a list."""
    if not isinstance(kind, (pl.List, pl.Array)):
        return kind
    return kind.inner if isinstance(kind.inner, pl.DataType) else kind.inner()


def _embeds(kind: pl.DataType) -> bool:
    kind = _item(kind)
    if isinstance(kind, pl.Struct):
        return {"bytes", "path"} <= {field.name for field in kind.fields}
    return kind == pl.Binary


def _is_text(kind: pl.DataType) -> bool:
    return kind in (pl.String, pl.Boolean, pl.Categorical, pl.Enum) or kind.is_numeric()


def _rows(file: Path, split: str | None, root: Path, asked: str | None) -> pl.DataFrame:
    """Read one file: its texts, numbers and classes as strings, and a reference to each image."""
    prefix = f"{folder_of(root, file.parent)}{file.name}"
    stem = prefix.removesuffix(file.suffix).replace("/", "-")
    try:
        rows = scan_parquet(file) if file.suffix == ".parquet" else read_arrow_stream(file).lazy()
        schema = rows.collect_schema()
        column = _image_column(schema, asked, file)
        classes = _classes(file)
        others = {name: kind for name, kind in schema.items() if name not in (column, *RESERVED)}
        texts = [
            as_text(pl.col(name), kind, classes.get(name)).alias(name)
            for name, kind in others.items()
            if _is_text(kind)
        ]
        if _item(schema[column]) == schema[column]:
            path, embedded = _image(pl.col(column), schema[column])
            table = rows.select(*texts, path.alias("image"), embedded.alias("trouble")).collect()
            table = table.with_row_index("row").with_columns(pl.lit("").alias("item"))
        else:
            table = _of_lists(rows, _as_list(column, schema[column]), _item(schema[column]), texts, others)
    except InputError:  # which is a ValueError
        raise
    except _BROKEN as error:
        kind = file.suffix[1:].capitalize()
        raise InputError(
            f"{file} cannot be read as {kind} ({type(error).__name__}); check the file."
        ) from None
    place = folder_of(root, file.parent)
    numbers = pl.col("row").cast(pl.String)
    path = pl.col("image").str.replace_all(r"\\", "/").str.replace(r"^(\./)+", "")
    absolute = path.str.contains(ABSOLUTE)
    path = pl.when(absolute).then(path).when(path != "").then(pl.lit(place) + path)
    within = pl.col("trouble")
    reference = pl.format("{}::{}/{}{}", pl.lit(prefix), pl.lit(column), numbers, "item")
    return table.with_columns(
        image=pl.when(within).then(reference).otherwise(path),
        trouble=pl.when(within)
        .then(pl.lit(None, pl.String))
        .when(pl.col("image").is_null() | (pl.col("image") == ""))
        .then(pl.lit(NO_IMAGE)),
        key=pl.lit(f"{stem}-") + numbers + pl.col("item").str.replace("#", ".", literal=True),
        row_of=pl.lit(f"{stem}-") + numbers,
        split_of=pl.lit(split, pl.String),
    ).drop("row", "item")


def _of_lists(
    rows: pl.LazyFrame,
    images: pl.Expr,
    kind: pl.DataType,
    texts: Sequence[pl.Expr],
    others: Mapping[str, pl.DataType],
) -> pl.DataFrame:
    """Read rows whose cells are lists of images: a row per image, with what other lists say of each."""
    path, embedded = _image(pl.element(), kind)
    each = [
        _as_list(name, kind).list.eval(as_text(pl.element(), _item(kind), None)).alias(name)
        for name, kind in others.items()
        if not _is_text(kind) and _is_text(_item(kind))
    ]
    count = images.list.len()
    table = rows.select(
        *texts,
        *each,
        images.list.eval(path).alias("image"),
        images.list.eval(embedded).alias("trouble"),
        pl.int_ranges(count).alias("item"),
    ).collect()
    lengths = table["item"].list.len()
    names = [expression.meta.output_name() for expression in each]
    along = [name for name in names if table[name].list.len().eq_missing(lengths).all()]
    table = table.drop(set(names) - {*along}).with_row_index("row")
    table = table.explode(*along, "image", "trouble", "item", empty_as_null=True)
    return table.with_columns(pl.col("trouble").fill_null(False), item=pl.format("#{}", "item").fill_null(""))


def _as_list(column: str, kind: pl.DataType) -> pl.Expr:
    """Give a column of lists or arrays as lists."""
    return pl.col(column).arr.to_list() if isinstance(kind, pl.Array) else pl.col(column)


def _image(value: pl.Expr, kind: pl.DataType) -> tuple[pl.Expr, pl.Expr]:
    """Give the path of an image that is not embedded, and whether one is."""
    if isinstance(kind, pl.Struct):
        return value.struct.field("path").cast(pl.String), value.struct.field("bytes").is_not_null()
    if kind == pl.Binary:
        return pl.lit(None, pl.String), value.is_not_null()
    return value.cast(pl.String), pl.lit(False)


def _image_column(schema: pl.Schema, asked: str | None, file: Path) -> str:
    if asked is not None:
        if asked not in schema or not (_embeds(schema[asked]) or _item(schema[asked]) == pl.String):
            raise InputError(f"{file} has no column of images or paths called {asked}; name another.")
        return asked
    embedded = [name for name, kind in schema.items() if _embeds(kind)]
    named = [name for name in _IMAGE_NAMES if name in embedded]
    if named or len(embedded) == 1:
        return (named or embedded)[0]
    paths = [name for name in _IMAGE_NAMES if name in schema and _item(schema[name]) == pl.String]
    if embedded or not paths:
        raise InputError(f"{file} has {len(embedded)} columns of images; name one with --image-column.")
    return paths[0]


HUGGINGFACE = Format(
    "huggingface", "Hugging Face datasets", "state.json with .arrow files, or Parquet with images", fits, read
)
