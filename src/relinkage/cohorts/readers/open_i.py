"""IU X-Ray / Open-I as two CSV tables (the layout of Kaggle): reports, and which images belong to them."""

from collections import Counter
from pathlib import Path

import polars as pl

from relinkage.cohorts.labels import CHEXPERT_LABELS
from relinkage.cohorts.readers.columns import as_id, read_columns
from relinkage.cohorts.readers.mesh import mesh_columns
from relinkage.cohorts.readers.on_disk import IMAGE_SUFFIXES, Survey, folder_of, survey
from relinkage.cohorts.readers.protocol import Format, Found
from relinkage.cohorts.readers.settings import ReadOptions
from relinkage.cohorts.sections import SectionChoice
from relinkage.errors import InputError

SECTIONS = "findings+impression"
COLUMNS = ("findings", "impression", "indication", "comparison")
_REPORTS, _PROJECTIONS = r"indiana_reports\.csv(\.gz)?", r"indiana_projections\.csv(\.gz)?"


def fits(tree: Survey) -> bool:
    """Whether the folder, or the file itself, is known by its tables."""
    return bool(tree.named(_REPORTS))


def read(tree: Survey, options: ReadOptions) -> Found:
    """Read Open-I from `indiana_reports.csv` and `indiana_projections.csv`.

    Args:
        tree: the survey of the folder.
        options: how it is read.

    Raises:
        InputError: a table is missing, cannot be read or lacks a column, or an option names something
            that is not there.
    """
    options.refuse("open-i", "image_column", "patients", "reports", "labels")
    path = tree.first(_REPORTS, "indiana_reports.csv")
    tree = survey(path.parent) if tree.asked.is_file() else tree
    projections = tree.named(_PROJECTIONS)
    if not projections:
        raise InputError(f"{path} has no indiana_projections.csv beside it; put it there.")
    choice = SectionChoice.parse(options.section or SECTIONS, COLUMNS)
    reports = read_columns(path, ["uid"], [*choice.sections, "MeSH"])
    columns = {name: name for name in choice.sections if name in reports.columns}
    reports = reports.with_columns(as_id("uid"), *choice.picked(reports, columns)).drop_nulls("uid")
    rows = len(reports)
    reports = reports.unique("uid", keep="first", maintain_order=True)
    labels: tuple[str, ...] = ()
    if "MeSH" in reports.columns:
        reports = reports.hstack(mesh_columns(reports["MeSH"], lambda text: text.split(";")))
        labels = CHEXPERT_LABELS
    images = read_columns(projections[0], ["uid", "filename"], ["projection"])
    images = images.with_columns(as_id("uid"), as_id("filename"))
    table = images.join(
        reports.select("uid", "report", "text_from", *labels), on="uid", how="left", maintain_order="left"
    )
    root = options.root or tree.base
    places = image_places(survey(root) if options.root else tree, root)
    found = Found(table, root, labels, places or ("",), pictured=bool(places))
    found.read |= {"reports": rows, "images of the projections": len(images)}
    without = len(reports.join(images, on="uid", how="anti"))
    if without:
        found.notes.append(f"{without} reports have no image in {projections[0].name}.")
    view = pl.lit(None, pl.String)
    if "projection" in table.columns:
        view = pl.col("projection").str.strip_chars().str.to_uppercase()
        view = pl.when(view != "").then(view)
    found.table = table.select(
        pl.col("filename").str.replace(r"(\.dcm)?\.[A-Za-z]{3,4}$", "").alias("pair_id"),
        pl.col("uid").alias("study_id"),
        pl.col("filename").alias("image"),
        "report",
        "text_from",
        view.alias("view"),
        (view == "FRONTAL").alias("frontal"),
        *labels,
    )
    return found


def image_places(tree: Survey, root: Path) -> tuple[str, ...]:
    """Give the folders that hold images, the one with most first, as prefixes of image paths."""
    folders = Counter(file.parent for file in tree.files if file.name.lower().endswith(IMAGE_SUFFIXES))
    counts: dict[str, int] = {}
    for folder, count in folders.items():
        try:
            counts[folder_of(root, folder)] = count
        except InputError:
            continue
    return tuple(sorted(counts, key=lambda place: (-counts[place], place)))


OPEN_I = Format("open-i", "Open-I (CSV)", "indiana_reports.csv", fits, read)
