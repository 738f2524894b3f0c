"""MIMIC-CXR-JPG 2.0.0 and 2.1.0: metadata, split and label tables, with the reports of MIMIC-CXR."""

import re
from pathlib import Path

import polars as pl

from relinkage.cohorts.readers.columns import as_id, as_labels, column_names, label_columns, read_columns
from relinkage.cohorts.readers.mimic_patients import with_patients
from relinkage.cohorts.readers.mimic_reports import with_reports
from relinkage.cohorts.readers.on_disk import Survey, folder_of, survey
from relinkage.cohorts.readers.protocol import Format, Found
from relinkage.cohorts.readers.settings import ReadOptions
from relinkage.cohorts.sections import NAMES, SectionChoice
from relinkage.errors import InputError

SECTIONS = "findings+impression,last_paragraph"
LABELS = ("chexpert", "negbio", "test-set")
FRONTAL = ("AP", "PA")

_METADATA = r"mimic-cxr-\d+\.\d+\.\d+-metadata\.csv(\.gz)?"
_TABLE = r"mimic-cxr-\d+\.\d+\.\d+-{}\.csv(\.gz)?"
_FILES = {"chexpert": "chexpert", "negbio": "negbio", "test-set": "test-set-labell?ed"}


def fits(tree: Survey) -> bool:
    """Whether the folder, or the file itself, is known by its metadata table."""
    return bool(_around(tree).named(_METADATA))


def read(tree: Survey, options: ReadOptions) -> Found:
    """Read a tree of MIMIC-CXR-JPG.

    A study's report stands with each of its images. The images of one study that the metadata name twice are
    one row. Sex comes from MIMIC-IV's `gender`; age is `anchor_age` plus the years from `anchor_year` to
    `StudyDate`, as MIMIC-IV documents it.

    Args:
        tree: the survey of the folder, of its `files/`, or the metadata file alone.
        options: how it is read.

    Raises:
        InputError: a table cannot be read, a column or the reports are missing, or an option names something
            that is not there.
    """
    options.refuse("mimic-cxr-jpg", "image_column")
    tree = _around(tree)
    metadata = tree.first(_METADATA, "mimic-cxr-2.0.0-metadata.csv")
    choice = SectionChoice.parse(options.section or SECTIONS, NAMES)
    table = read_columns(metadata, ["dicom_id", "subject_id", "study_id"], ["ViewPosition", "StudyDate"])
    root, place = _root(tree, metadata, options.root)
    found = Found(table, root, places=(place,), pictured=not place or (root / place).is_dir())
    found.read["rows of metadata"] = len(table)
    table = table.with_columns(as_id("dicom_id"), as_id("subject_id", "p"), as_id("study_id", "s"))
    image = pl.format(
        "p{}/p{}/s{}/{}.jpg", pl.col("subject_id").str.slice(0, 2), "subject_id", "study_id", "dicom_id"
    )
    table = table.with_columns(image=image)
    if "ViewPosition" in table.columns:
        view = pl.col("ViewPosition").str.strip_chars().str.to_uppercase()
        view = pl.when(view != "").then(view)
        table = table.with_columns(view=view, frontal=view.is_in(FRONTAL))
    else:
        found.notes.append(f"{metadata.name} has no ViewPosition: views are not known.")
        table = table.with_columns(frontal=pl.lit(None, pl.Boolean))
    table = _with_split(table, tree, options, found)
    table = _with_labels(table, tree, options.labels, found)
    table = with_patients(table, options.patients, found)
    table = with_reports(table, tree, options.reports, choice, found)
    found.table = table.rename({"dicom_id": "pair_id", "subject_id": "patient_id"}).drop(
        "ViewPosition", "StudyDate", strict=False
    )
    return found


def _around(tree: Survey) -> Survey:
    """Look at the folder above where the tree's own `files/`, or a file, was named."""
    if tree.named(_METADATA) and not tree.asked.is_file():
        return tree
    inside = tree.asked.resolve().name == "files" or re.fullmatch(_METADATA, tree.asked.name, re.IGNORECASE)
    return survey(tree.asked.resolve().parent) if inside else tree


def _root(tree: Survey, metadata: Path, given: Path | None) -> tuple[Path, str]:
    """Give the folder that paths are relative to, and where the folders p10 to p19 are below it."""
    root = given or metadata.parent
    for place in ("files", ""):
        if any((root / place / f"p{group}").is_dir() for group in range(10, 20)):
            return root, f"{place}/" if place else ""
    if given is None:
        for holder in tree.holding(r"p1\d"):
            if holder.resolve().is_relative_to(tree.base.resolve()):
                return tree.base, folder_of(tree.base, holder)
    return root, "files/"


def _with_split(table: pl.DataFrame, tree: Survey, options: ReadOptions, found: Found) -> pl.DataFrame:
    if options.split == "random":
        return table
    files = tree.named(_TABLE.format("split"))
    if not files:
        return table
    split = read_columns(files[0], ["dicom_id", "split"]).with_columns(as_id("dicom_id"), as_id("split"))
    split = split.drop_nulls().unique("dicom_id", keep="first", maintain_order=True)
    found.read["rows of the split"] = len(split)
    return table.join(split, on="dicom_id", how="left", maintain_order="left")


def _with_labels(table: pl.DataFrame, tree: Survey, asked: str | None, found: Found) -> pl.DataFrame:
    if asked is not None and asked not in LABELS:
        raise InputError(f"--labels is {asked!r}; MIMIC-CXR-JPG has {', '.join(LABELS)}.")
    for kind in (asked,) if asked else ("chexpert", "negbio"):
        files = tree.named(_TABLE.format(_FILES[kind]))
        if files:
            break
    else:
        if asked:
            raise InputError(f"{tree.base} holds no {asked} labels; put the data set's label file there.")
        return table
    columns = label_columns(column_names(files[0]))
    labels = read_columns(files[0], ["study_id", *columns])
    labels = labels.select(as_id("study_id", "s"), *as_labels(labels, columns))
    labels = labels.drop_nulls("study_id").unique("study_id", keep="first", maintain_order=True)
    found.read[f"studies with {kind} labels"] = len(labels)
    found.labels = tuple(columns.values())
    return table.join(labels, on="study_id", how="left", maintain_order="left")


MIMIC_CXR_JPG = Format("mimic-cxr-jpg", "MIMIC-CXR-JPG", "mimic-cxr-2.0.0-metadata.csv(.gz)", fits, read)
